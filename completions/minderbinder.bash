# SPDX-License-Identifier: MIT
# bash completion for minderbinder: source it, or copy it to /etc/bash_completion.d. Works alone; with bash-completion the command's own completion follows it.

# The next word, from index $1 on, after the value that starts there: bash splits values at = : and @.
_minderbinder_after_value() {
  local at=$1
  while [[ ${COMP_WORDS[at+1]-} =~ ^[@=:]+$ ]]; do ((at += 2)); done
  echo $((at + 1))
}

# The names in a list that minderbinder prints.
_minderbinder_names() { # LIST...
  local list name
  for list; do
    minderbinder list "$list" 2>/dev/null
  done | while read -r name _; do echo "$name"; done
}

_minderbinder_offer() { # WORDS CURRENT [BEFORE [AFTER]]
  mapfile -t COMPREPLY < <(compgen -P "${3-}" -S "${4-}" -W "$1" -- "$2")
  [[ ${4-} ]] && compopt -o nospace 2>/dev/null
}

# A fault: of the value (up to the cursor) that which bash takes for the last word is $3.
_minderbinder_fault() { # OPTION VALUE CURRENT
  local part=${2##*,} current=$3 before= keys
  [[ $current =~ ^[@=:]+$ ]] && current=
  [[ $current == *,* ]] && before=${current%,*},
  current=${current##*,}
  if [[ $2 == *,* ]]; then
    case $1 in
      --syscall) keys='after for when times scope path fd proto port to process name' ;;
      --drop-net) keys='after for when times proto port to dir interface process name' ;;
      *) keys='after for when times proto port to process name' ;;
    esac
    case $part in
      scope=*) _minderbinder_offer 'tree process thread' "$current" ;;
      proto=*) _minderbinder_offer 'tcp udp icmp' "$current" ;;
      dir=*) _minderbinder_offer 'out in' "$current" ;;
      interface=*) _minderbinder_offer "$(_minderbinder_interfaces)" "$current" ;;
      path=*) _minderbinder_files "$current" ;;
      *=*) ;;
      *) _minderbinder_offer "$keys" "$current" "$before" = ;;
    esac
  elif [[ $1 != --syscall || $2 == *@* ]]; then
    return # a rate
  elif [[ ${2##*[=+]} == signal:* ]]; then
    mapfile -t COMPREPLY < <(compgen -A signal -X '!SIG*' -- "$current")
  elif [[ $2 == *=* ]]; then # outcomes with a + between them
    [[ $current == *+* ]] && before=${current%+*}+
    current=${current##*+}
    _minderbinder_offer "$(_minderbinder_names errnos)" "$current" "$before"
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -P "$before" -W 'ret: delay: delay-exit: signal: short:' -- "$current")
    [[ ${COMPREPLY[*]} == *: ]] && compopt -o nospace 2>/dev/null
  else # the last of the names between the +
    [[ $current == *+* ]] && before=${current%+*}+
    _minderbinder_offer "$(_minderbinder_names syscalls families)" "${current##*+}" "$before" =
  fi
}

# An expression of strace: calls up to the first colon, then keys.
_minderbinder_inject() { # VALUE CURRENT
  local part=${1##*:} current=$2 before=
  [[ $current =~ ^[@=:]+$ ]] && current=
  case $1 in
    *:*)
      case $part in
        error=*) _minderbinder_offer "$(_minderbinder_names errnos)" "$current" ;;
        signal=*) mapfile -t COMPREPLY < <(compgen -A signal -X '!SIG*' -- "$current") ;;
        *=*) ;;
        *) _minderbinder_offer 'error retval signal delay_enter delay_exit when' "$current" '' = ;;
      esac
      ;;
    *) # the last of the names between the commas
      [[ $current == *,* ]] && before=${current%,*},
      _minderbinder_offer "$(_minderbinder_names syscalls)" "${current##*,}" "$before" :
      ;;
  esac
}

_minderbinder_interfaces() {
  local path
  for path in /sys/class/net/*; do [[ -L $path ]] && echo "${path##*/}"; done
}

_minderbinder_files() { # CURRENT
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# Configuration files, and folders, which may have some in them.
_minderbinder_configs() { # CURRENT
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -d -- "$1"; compgen -f -X '!*.yaml' -- "$1"; compgen -f -X '!*.yml' -- "$1")
}

_minderbinder_value() { # OPTION CURRENT
  case $1 in
    --engine) mapfile -t COMPREPLY < <(compgen -W 'auto override hook seccomp ptrace' -- "$2") ;;
    --interface) mapfile -t COMPREPLY < <(compgen -W "$(_minderbinder_interfaces)" -- "$2") ;;
    -u | --user) mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
    --config) _minderbinder_configs "$2" ;;
    -o | --output | --log | --report) _minderbinder_files "$2" ;;
  esac
}

_minderbinder_command() { # INDEX
  if declare -F _command_offset >/dev/null || declare -F _comp_command_offset >/dev/null; then
    "$(declare -F _comp_command_offset || declare -F _command_offset)" "$1"
  elif ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  else
    compopt -o default 2>/dev/null
  fi
}

_minderbinder() {
  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} at=2 word next value valued plain
  local exec_valued='--syscall --drop-net --refuse-net --inject --config --seed --engine -u --user -o --output --log --log-limit --report --metrics'
  local exec_plain='--control --include-loader --include-setuid -q --quiet --graph --require-hit --require-hit-always --debug -h --help'
  local run_valued='--interface --seed --metrics -o --output --log --log-limit --report'
  local run_plain='--include-loader --include-setuid --skip-unsupported --dry-run --no-graph -q --quiet --debug -h --help'
  local serve_valued='--socket --group --engine --seed'
  local serve_plain='--stdio --include-loader -q --quiet --debug -h --help'
  local doctor_plain='--json -h --help'
  local list_plain='--json -h --help'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'exec run serve explain doctor list --interface -h --help -V --version' -- "$current")
    return
  fi
  case $command in
    list)
      mapfile -t COMPREPLY < <(compgen -W "syscalls errnos families $list_plain" -- "$current")
      return
      ;;
    doctor)
      mapfile -t COMPREPLY < <(compgen -W "$doctor_plain" -- "$current")
      return
      ;;
    exec | explain) valued=$exec_valued plain=$exec_plain ;;
    run) valued=$run_valued plain=$run_plain ;;
    serve) valued=$serve_valued plain=$serve_plain ;;
    --interface) command=run at=1 valued=$run_valued plain=$run_plain ;; # the prototype's own call
    *) return ;;
  esac
  while ((at < COMP_CWORD)); do
    word=${COMP_WORDS[at]}
    if [[ $word == -- && $command != run && $command != serve ]]; then
      _minderbinder_command $((at + 1))
      return
    elif [[ " $valued " == *" $word "* ]]; then
      ((at += 1))
      if [[ ${COMP_WORDS[at]} == = ]]; then # --option=value
        ((at == COMP_CWORD)) && _minderbinder_value "$word" ''
        ((at += 1))
      fi
      next=$(_minderbinder_after_value "$at")
      if ((next > COMP_CWORD)); then
        case $word in
          --syscall | --drop-net | --refuse-net)
            printf -v value %s "${COMP_WORDS[@]:at:COMP_CWORD-at+1}"
            _minderbinder_fault "$word" "$value" "$current"
            ;;
          --inject)
            printf -v value %s "${COMP_WORDS[@]:at:COMP_CWORD-at+1}"
            _minderbinder_inject "$value" "$current"
            ;;
          *) ((at == COMP_CWORD)) && _minderbinder_value "$word" "$current" ;;
        esac
        return
      fi
      at=$next
    elif [[ $word == -?* || $command == run || $command == serve ]]; then
      ((at += 1))
    else
      _minderbinder_command "$at"
      return
    fi
  done
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$valued $plain" -- "$current")
  elif [[ $command == run || $command == explain && $COMP_CWORD == 2 ]]; then
    _minderbinder_configs "$current"
  elif [[ $command != serve ]]; then
    _minderbinder_command "$COMP_CWORD"
  fi
}

complete -F _minderbinder minderbinder
