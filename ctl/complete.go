package ctl

import (
	"context"
	"strings"
	"time"

	"supervisor/xmlrpc"
)

// completionTimeout is how long a server may take before TAB does nothing.
const completionTimeout = 2 * time.Second

// processes returns what completion knows of the processes: it asks once for each
// line. That nobody answers is no news in the middle of typing.
func (s *session) processes() []xmlrpc.ProcessInfo {
	if s.known == nil {
		var infos []xmlrpc.ProcessInfo
		if d, err := s.client(); err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), completionTimeout)
			defer cancel()
			infos, _ = d.AllProcessInfo(ctx)
		}
		s.known = &infos
	}
	return *s.known
}

// completion prints a script for a shell. It gets the names from "status", so it
// needs nothing but this program.
func (s *session) completion(_ context.Context, arg string) error {
	var script string
	switch arg {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "fish":
		script = fishCompletion
	default:
		s.fail(exitInvalid, "Error: completion requires the name of a shell")
		s.explain("completion")
		return nil
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	s.out.WriteString(strings.ReplaceAll(script, "ACTIONS", strings.Join(names, " ")))
	return nil
}

const bashCompletion = `_supervisorctl() {
    local word=${COMP_WORDS[COMP_CWORD]} action= i
    local -a server=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c|-s|-u|-p) server+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}"); ((i++)) ;;
            -r) ((i++)) ;;
            -*) ;;
            *) action=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $action in
        '') COMPREPLY=($(compgen -W "ACTIONS" -- "$word")) ;;
        clear|fg|pid|restart|signal|start|status|stop|tail|wait|add|remove|update)
            COMPREPLY=($(compgen -W "all $("$1" "${server[@]}" status 2>/dev/null | awk '{print $1}')" -- "$word")) ;;
        help) COMPREPLY=($(compgen -W "ACTIONS" -- "$word")) ;;
    esac
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -F _supervisorctl supervisorctl
`

const zshCompletion = `#compdef supervisorctl
_supervisorctl() {
    local -a names
    _arguments -C \
        '-c[configuration file]:file:_files' '-s[URL of the server]:url:' \
        '-u[user name]:name:' '-p[password]:password:' '-i[interactive]' '-h[help]' \
        '1:action:(ACTIONS)' '*::name:->names'
    if [[ $state == names ]]; then
        names=(all ${(f)"$(supervisorctl status 2>/dev/null | awk '{print $1}')"})
        compadd -a names
    fi
}
compdef _supervisorctl supervisorctl
`

const fishCompletion = `complete -c supervisorctl -f
complete -c supervisorctl -s c -r -F -d 'configuration file'
complete -c supervisorctl -s s -x -d 'URL of the server'
complete -c supervisorctl -s u -x -d 'user name'
complete -c supervisorctl -s p -x -d 'password'
complete -c supervisorctl -n __fish_use_subcommand -a 'ACTIONS'
complete -c supervisorctl -n 'not __fish_use_subcommand' -a '(supervisorctl status 2>/dev/null | string split -f1 " ")'
`
