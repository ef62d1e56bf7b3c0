# SPDX-License-Identifier: MIT
# fish completion for minderbinder: copy it to ~/.config/fish/completions or /etc/fish/completions.

# COMMAND and its arguments, of the words given. Fails where there is none, or an option's value is missing.
function __minderbinder_operands
    contains -- "$argv[2]" exec explain; or return 1
    set -e argv[1..2]
    argparse -s syscall=+ drop-net=+ refuse-net=+ inject=+ config=+ seed= control engine= include-loader include-setuid u/user= \
        o/output= log= log-limit= report= q/quiet graph metrics= require-hit require-hit-always debug h/help -- $argv 2>/dev/null; or return 1
    test (count $argv) -gt 0; and string join0 -- $argv
end

# Is the word at the cursor an option of ours, or can it be one?
function __minderbinder_wants_option
    set -l words (commandline -opc)
    contains -- "$words[2]" exec explain; and not __minderbinder_operands $words >/dev/null
end

function __minderbinder_complete_command
    set -l words (__minderbinder_operands (commandline -opc) (commandline -ct) | string split0)
    test (count $words) -gt 0; and __fish_complete_subcommand --commandline $words
end

# The names in a list that minderbinder prints, each between $argv[1] and $argv[2].
function __minderbinder_names -a before after
    for list in $argv[3..]
        for line in (minderbinder list $list 2>/dev/null)
            set -l parts (string split -n -m 1 ' ' -- $line)
            printf '%s%s%s\t%s\n' "$before" $parts[1] "$after" (string trim -- $parts[2])
        end
    end
end

# What a fault can go on with: its value up to here, and the keys that it has.
function __minderbinder_fault -a option
    set -l value (commandline -ct | string replace -r "^$option=" '')
    set -l parts (string match -r '^(.*,)(?:(\w+=))?' -- $value)
    if test (count $parts) -gt 0
        set -l before "$parts[2]$parts[3]"
        switch "$parts[3]"
            case ''
                printf '%s=\n' $before$argv[2..]
            case scope=
                printf '%s\n' "$before"{tree,process,thread}
            case proto=
                printf '%s\n' "$before"{tcp,udp,icmp}
            case dir=
                printf '%s\n' "$before"{out,in}
            case interface=
                printf '%s\n' "$before"(__minderbinder_interfaces)
            case path=
                set -l typed (string sub -s (math (string length -- "$before") + 1) -- $value)
                printf '%s\n' "$before"(__fish_complete_path "$typed" | string split -f 1 \t)
        end
    else if test "$option" != --syscall; or string match -q '*@*' -- $value
        return # a rate
    else if set -l before (string match -r '^.*[=+]signal:' -- $value)
        printf '%s\n' "$before"SIG(kill -l | string replace -ra 'SIG' '' | string match -ra '[A-Z][A-Z0-9]+')
    else if set -l before (string match -r '^.*=(?:.*\+)?' -- $value)
        __minderbinder_names $before '' errnos
        printf '%s\n' $before{ret:,delay:,delay-exit:,signal:,short:}
    else
        # The last of the names between the +.
        __minderbinder_names "$(string match -r '^.*\+' -- $value)" = syscalls families
    end
end

# An expression of strace: calls up to the first colon, then keys.
function __minderbinder_inject
    set -l value (commandline -ct | string replace -r '^--inject=' '')
    if set -l parts (string match -r '^(.*:)(?:(\w+)=)?' -- $value)
        set -l before "$parts[2]"
        switch "$parts[3]"
            case ''
                printf '%s=\n' $before{error,retval,signal,delay_enter,delay_exit,when}
            case error
                __minderbinder_names "$before"error= '' errnos
            case signal
                printf '%s\n' "$before"signal=SIG(kill -l | string replace -ra 'SIG' '' | string match -ra '[A-Z][A-Z0-9]+')
        end
    else
        # The last of the names between the commas.
        __minderbinder_names "$(string match -r '^.*,' -- $value)" : syscalls
    end
end

function __minderbinder_interfaces
    path basename /sys/class/net/* 2>/dev/null; or string replace -r '.*/' '' -- /sys/class/net/*
end

set -l first 'test (count (commandline -opc)) -eq 1'
set -l run 'set -l words (commandline -opc); contains -- "$words[2]" run --interface; or string match -q -- "--interface=*" "$words[2]"'
set -l serve 'set -l words (commandline -opc); test "$words[2]" = serve'
set -l list 'set -l words (commandline -opc); test "$words[2]" = list'
set -l doctor 'set -l words (commandline -opc); test "$words[2]" = doctor'

complete -c minderbinder -f
complete -c minderbinder -n $first -a exec -d 'Run a command under faults'
complete -c minderbinder -n $first -a run -d 'Fault the processes that files name'
complete -c minderbinder -n $first -a serve -d 'Let processes fault themselves'
complete -c minderbinder -n $first -a explain -d 'Describe what would be done'
complete -c minderbinder -n $first -a doctor -d 'Check which faults work here'
complete -c minderbinder -n $first -a list -d 'Print the names that a fault can use'
complete -c minderbinder -n $first -l interface -x -a '(__minderbinder_interfaces)' -d 'As run --interface'
complete -c minderbinder -n $first -s h -l help -d 'Show what commands there are'
complete -c minderbinder -n $first -s V -l version -d 'Show the version'

complete -c minderbinder -n $list -a 'syscalls errnos families'
complete -c minderbinder -n $list -l json -d 'Print JSON'
complete -c minderbinder -n $list -s h -l help -d 'Show the options'
complete -c minderbinder -n $doctor -l json -d 'Print JSON'
complete -c minderbinder -n $doctor -s h -l help -d 'Show the options'

complete -c minderbinder -n $run -l interface -x -a '(__minderbinder_interfaces)' -d 'Apply network rules to this interface only'
complete -c minderbinder -n $run -l seed -x -d 'Repeat the random choices of an earlier run'
complete -c minderbinder -n $run -l include-loader -d 'Also fault what ld.so does'
complete -c minderbinder -n $run -l include-setuid -d 'Also fault set-user-ID programs'
complete -c minderbinder -n $run -l skip-unsupported -d 'Skip rules that cannot be applied here'
complete -c minderbinder -n $run -l dry-run -d 'List the processes that are targets now'
complete -c minderbinder -n $run -l no-graph -d 'Print lines, even on a terminal'
complete -c minderbinder -n $run -l metrics -x -d 'Serve metrics for Prometheus'
complete -c minderbinder -n $run -s o -l output -rF -d 'Write the summary to FILE'
complete -c minderbinder -n $run -l log -rF -d 'Write each injection to FILE'
complete -c minderbinder -n $run -l log-limit -x -d 'Write no more than SIZE to the log'
complete -c minderbinder -n $run -l report -rF -d 'Write what each fault did to FILE'
complete -c minderbinder -n $run -s q -l quiet -d 'Print no lines and no summary'
complete -c minderbinder -n $run -l debug -d 'Show all details of an error'
complete -c minderbinder -n $run -s h -l help -d 'Show the options'
complete -c minderbinder -n $run -k -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'

complete -c minderbinder -n $serve -l socket -rF -d 'Listen at PATH'
complete -c minderbinder -n $serve -l group -x -a '(__fish_complete_groups)' -d 'Let members of this group connect, too'
complete -c minderbinder -n $serve -l stdio -d 'Serve the process that starts it'
complete -c minderbinder -n $serve -l engine -x -a 'auto override hook' -d 'Engine for system call faults'
complete -c minderbinder -n $serve -l seed -x -d 'Repeat the random choices of an earlier run'
complete -c minderbinder -n $serve -l include-loader -d 'Also fault what ld.so does'
complete -c minderbinder -n $serve -s q -l quiet -d 'Print no line when it is ready'
complete -c minderbinder -n $serve -l debug -d 'Show all details of an error'
complete -c minderbinder -n $serve -s h -l help -d 'Show the options'

complete -c minderbinder -n __minderbinder_wants_option -l syscall -x -a '(__minderbinder_fault --syscall after for when times scope path fd proto port to process name)' -d 'Fail, delay or interrupt system calls'
complete -c minderbinder -n __minderbinder_wants_option -l drop-net -x -a '(__minderbinder_fault --drop-net after for when times proto port to dir interface process name)' -d 'Lose packets silently (root)'
complete -c minderbinder -n __minderbinder_wants_option -l refuse-net -x -a '(__minderbinder_fault --refuse-net after for when times proto port to process name)' -d 'Make connect() fail with ECONNREFUSED'
complete -c minderbinder -n __minderbinder_wants_option -l inject -x -a '(__minderbinder_inject)' -d 'Inject what an expression of strace describes'
complete -c minderbinder -n __minderbinder_wants_option -l config -rF -d 'Read faults from a configuration file'
complete -c minderbinder -n __minderbinder_wants_option -l seed -x -d 'Repeat the random choices of an earlier run'
complete -c minderbinder -n __minderbinder_wants_option -l control -d 'Let the command add and lift faults'
complete -c minderbinder -n __minderbinder_wants_option -l engine -x -a 'auto override hook seccomp ptrace' -d 'Engine for system call faults'
complete -c minderbinder -n __minderbinder_wants_option -l include-loader -d 'Also fault what ld.so does'
complete -c minderbinder -n __minderbinder_wants_option -l include-setuid -d 'Also fault set-user-ID programs'
complete -c minderbinder -n __minderbinder_wants_option -s u -l user -x -a '(__fish_complete_users)' -d 'Run the command as this user (root)'
complete -c minderbinder -n __minderbinder_wants_option -s o -l output -rF -d 'Write the summary to FILE'
complete -c minderbinder -n __minderbinder_wants_option -l log -rF -d 'Write each injection to FILE'
complete -c minderbinder -n __minderbinder_wants_option -l log-limit -x -d 'Write no more than SIZE to the log'
complete -c minderbinder -n __minderbinder_wants_option -l report -rF -d 'Write what each fault did to FILE'
complete -c minderbinder -n __minderbinder_wants_option -s q -l quiet -d 'Write no summary'
complete -c minderbinder -n __minderbinder_wants_option -l graph -d 'Draw live graphs on the terminal'
complete -c minderbinder -n __minderbinder_wants_option -l metrics -x -d 'Serve metrics for Prometheus'
complete -c minderbinder -n __minderbinder_wants_option -l require-hit -d 'Exit with 122 instead of 0 if a fault never fired'
complete -c minderbinder -n __minderbinder_wants_option -l require-hit-always -d 'Exit with 122 if a fault never fired, however the command ended'
complete -c minderbinder -n __minderbinder_wants_option -l debug -d 'Show all details of an error'
complete -c minderbinder -n __minderbinder_wants_option -s h -l help -d 'Show the options'

complete -c minderbinder -n 'contains -- (commandline -opc)[2] exec explain' -x -a '(__minderbinder_complete_command)'
complete -c minderbinder -n 'set -l words (commandline -opc); test "$words[2]" = explain; and test (count $words) -eq 2' -F
