# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for all qvm-tools in bash. The tools know their own options and ask the running system for names:
# this file only hands the line over and gives the answers to readline. It needs nothing but bash itself.
# shellcheck shell=bash

_qvm_tools() {
	local line=${COMP_LINE:0:COMP_POINT} words=() word bare cut cword i first answers

	# Readline cuts the line at '=' and ':' too; pieces with no blank between them are one word.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		bare=${line#"${line%%[![:space:]]*}"}
		word=${COMP_WORDS[i]}
		if ((i == COMP_CWORD)); then
			word=$bare
		fi
		if ((i > 0)) && [[ $bare == "$line" ]]; then
			words[${#words[@]} - 1]+=$word
		else
			words+=("$word")
		fi
		line=${bare#"$word"}
	done
	cword=$((${#words[@]} - 1))
	words+=("${COMP_WORDS[@]:COMP_CWORD+1}")
	for i in "${!words[@]}"; do
		word=${words[i]#[\"\']}
		words[i]=${word%[\"\']}
	done
	word=${words[cword]}

	COMPREPLY=()
	mapfile -t answers < <("$1" --complete-words "$cword" "${words[@]}" 2>/dev/null </dev/null)
	((${#answers[@]})) || return 0
	first=${answers[0]}

	# What readline keeps of the word, because it cut there, must not come again.
	cut=${word%"${word##*[=:@]}"}
	while [[ -n $cut && $COMP_WORDBREAKS != *"${cut: -1}"* ]]; do
		cut=${cut%?}
		cut=${cut%"${cut##*[=:@]}"}
	done
	case $first in
	$'\001files')
		# File names want quoting and a slash behind directories: bash can do both by itself.
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "${word##*=}")
		return 0
		;;
	$'\001commands')
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
		return 0
		;;
	esac
	for i in "${!answers[@]}"; do
		COMPREPLY+=("${answers[i]#"$cut"}")
	done
	# More belongs to the same word.
	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=:/] ]]; then
		compopt -o nospace 2>/dev/null
	fi
	return 0
}

complete -F _qvm_tools qvm-ls qvm-check qvm-prefs qubes-prefs qvm-features qvm-service qvm-tags qvm-notes \
	qvm-label qvm-create qvm-clone qvm-remove qvm-start qvm-shutdown qvm-kill qvm-pause qvm-unpause qvm-run \
	qvm-console qvm-device qvm-block qvm-usb qvm-pci qvm-mic qvm-volume qvm-grow-private qvm-grow-root qvm-pool \
	qvm-pool-legacy qvm-firewall qvm-backup qvm-backup-restore qvm-sync-clock qubes-policy qubesd-query \
	qvm-events qvm-top qvm-wait qvm-shell qvm-vmconfig qvm-lab qvm-copy qvm-move qvm-copy-to-vm \
	qvm-move-to-vm qvm-open-in-vm qvm-open-in-dvm qvm-monitor-layout

# bash-completion loads this file through links: one may have the name of a tool with a prefix.
case ${BASH_SOURCE[0]##*/} in
qvm-tools*) ;;
*) complete -F _qvm_tools "${BASH_SOURCE[0]##*/}" ;;
esac
