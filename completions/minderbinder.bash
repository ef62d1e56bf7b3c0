# SPDX-License-Identifier: MIT
# bash completion for minderbinder. Works alone; with bash-completion the command's own completion follows it.

# The next word, from index $1 on, after the value that starts there: bash splits values at = : and @.
_minderbinder_after_value() {
  local at=$1
  while [[ ${COMP_WORDS[at+1]-} =~ ^[@=:]+$ ]]; do ((at += 2)); done
  echo $((at + 1))
}

# SET of --syscall: the last of the names between the +.
_minderbinder_set() {
  local before= names
  [[ $1 == *+* ]] && before=${1%+*}+
  names=$(minderbinder list syscalls 2>/dev/null; minderbinder list families 2>/dev/null)
  names=$(while read -r name _; do echo "$name"; done <<<"$names")
  mapfile -t COMPREPLY < <(compgen -P "$before" -S = -W "$names" -- "${1##*+}")
  compopt -o nospace 2>/dev/null
}

_minderbinder_value() { # OPTION CURRENT
  case $1 in
    --syscall) _minderbinder_set "$2" ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'auto override seccomp' -- "$2") ;;
    -u | --user) mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
    -o | --output | --log | --config)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$2")
      ;;
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
  local current=${COMP_WORDS[COMP_CWORD]} at=2 word next
  local valued='--syscall --drop-net --refuse-net --inject --config --seed --engine -u --user -o --output --log --metrics'
  local options="$valued --include-loader -q --quiet --graph --require-hit --debug -h --help"
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'exec explain doctor list -h --help -V --version' -- "$current")
    return
  fi
  case ${COMP_WORDS[1]} in
    list)
      mapfile -t COMPREPLY < <(compgen -W 'syscalls errnos families --json -h --help' -- "$current")
      return
      ;;
    doctor)
      mapfile -t COMPREPLY < <(compgen -W '--json -h --help' -- "$current")
      return
      ;;
    exec | explain) ;;
    *) return ;;
  esac
  while ((at < COMP_CWORD)); do
    word=${COMP_WORDS[at]}
    if [[ $word == -- ]]; then
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
        ((at == COMP_CWORD)) && _minderbinder_value "$word" "$current"
        return
      fi
      at=$next
    elif [[ $word == -?* ]]; then
      ((at += 1))
    else
      _minderbinder_command "$at"
      return
    fi
  done
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ ${COMP_WORDS[1]} == explain && $COMP_CWORD == 2 ]]; then # a configuration file
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    _minderbinder_command "$COMP_CWORD"
  fi
}

complete -F _minderbinder minderbinder
