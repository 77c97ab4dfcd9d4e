# SPDX-License-Identifier: GPL-2.0-or-later
# Tables of calls and replies for the tests of the daemon, in the shape of a scripted server's file.
# shellcheck shell=bash

# rows: reads lines "> [@SOURCE] METHOD+ARG DEST [PAYLOAD]", each followed by "< REPLY", sends one after the other
# and compares whole replies. Further "> " lines without "< " between them need no particular reply but an OK.
# All rows that differ are shown. "# " begins a comment.
rows() {
	local line method='' dest payload source got bad=0
	while IFS= read -r line || [[ -n $method ]]; do
		case $line in
		'> '* | '< '* | '') ;;
		*) continue ;;
		esac
		if [[ $line != '< '* && -n $method ]]; then
			_row '0\0*' || bad=1
		fi
		case $line in
		'> '*)
			read -r method dest payload <<<"${line#> }"
			source=dom0
			if [[ $method == @* ]]; then
				source=${method#@} method=$dest
				read -r dest payload <<<"$payload"
			fi
			;;
		'< '*) _row "${line#< }" || bad=1 ;;
		esac
	done
	return $bad
}

# Sends the row at hand; the last character of the reply that is wanted may be "*" for "and whatever follows".
_row() {
	got=$(raw -s "$source" "$method" "$dest" "$payload" </dev/null)
	if [[ $got == "$1" || ($1 == '0\0*' && $got == '0\0'*) ]]; then
		method=''
		return 0
	fi
	printf '> @%s %s %s %s\n- %s\n+ %s\n' "$source" "$method" "$dest" "$payload" "$1" "$got" >&2
	method=''
	return 1
}

# seen: compares the events since the last time with standard input.
seen() {
	local want got all
	want=$(cat)
	all=$(events)
	got=$(tail -n +"$((SEEN + 1))" <<<"$all")
	SEEN=$(wc -l <<<"$all")
	[[ -n $all ]] || SEEN=0
	if [[ $got == "$want" ]]; then
		return 0
	fi
	diff -u --label expected --label events <(echo "$want") <(echo "$got") >&2
	return 1
}
SEEN=0
