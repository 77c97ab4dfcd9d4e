# SPDX-License-Identifier: GPL-2.0-or-later
# Every tool with a daemon that means harm or is broken (admin-api 1.3-1.6, 3.3): text that a terminal would act on, replies
# that are none, that stop half way, that end too early, that are far too long.

load lib/common
load lib/tools

# One of each that must not reach a terminal: CSI, title, clear, backspace, CR, DEL, C1, bidi, invisible, tag characters,
# line separator, and bytes that are no UTF-8: stray, overlong, surrogate, cut off.
HOSTILE='\x1b[31m\x1b]0;pwned\x07\x1b[2J\x08\r\x7f\xc2\x9b2J\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xe2\x80\x8b\xf3\xa0\x81\x81\xe2\x80\xa8\xc2\xad\xff\xc0\xaf\xed\xa0\x80\xf0\x9f\x98'
LIST='> admin.vm.List+ dom0
< 0\0a1 class=AppVM state=Halted\ndom0 class=AdminVM state=Running\n'

setup() { mapfile -t ROWS < <(tool_rows a1); }

# The replies of lib/tools with $1 for every text that somebody may choose.
with_text() {
	local t=${1//\\/\\\\}
	t=${t//\//\\/}
	tools_replies | sed -E -e "s/type=(str|vm|label) [^\\\\]*/type=\\1 $t/g" -e "s/(class|state|pool)=[A-Za-z]+/\\1=$t/g" \
		-e "s/^(< 0.0)(1|t.n|a note|0xcc0000|AppVM.n|Which.*|What.*|Where.*)$/\\1$t/"
}

# ---- terminals ----

# Nothing in the file acts on a terminal. The classes are those of the tests' own Unicode tables.
assert_harmless() {
	iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null
	if grep -naP '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}]' < <(tr -d '\r\t\n' <"$1" | sed '$a\'); then
		grep -anP '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]' "$1" | grep -aP '[^\P{Cc}\r\t]|[\p{Cf}\p{Zl}\p{Zp}]' | cat -A >&2
		return 1
	fi
	# A carriage return is the terminal's own, before a newline.
	! grep -anP '\r(?!\r*$)' "$1" | cat -A | grep . >&2
}

# on_terminal: every row on a terminal, stdout and stderr; all that it shows is harmless.
on_terminal() {
	: >"$BATS_TEST_TMPDIR/screen"
	tty() { timeout 5 script -qec "$* </dev/null" /dev/null; }
	check() {
		((status <= 3)) || wrong "status $status"
		printf '%s\n' "$text_out" | tee -a "$BATS_TEST_TMPDIR/screen" >/dev/null
	}
	each tty '' check
	assert_harmless "$BATS_TEST_TMPDIR/screen"
}

@test "text that acts on terminals: values, names, classes, states, colours, notes" {
	mapfile -t ROWS < <(tool_rows a1; completion_rows a1)
	start_script < <(with_text "$HOSTILE")
	on_terminal
	grep -qa '_\[31m_\]0;pwned__\[2J___' "$BATS_TEST_TMPDIR/screen"
	# In a pipe it is as it came.
	check() {
		((status <= 3)) || wrong "status $status"
		case $row in
		*' --complete-words '*) [[ $text_out != *$'\e'* ]] || wrong "completion gives $text_out" ;;
		*' --json'*) printf '%s\n' "$text_out" | jq -e . >/dev/null && [[ $text_out != *[$'\e\x7f']* ]] || wrong "JSON: $text_out" ;;
		'qvm-prefs a1 kernelopts' | 'qvm-notes --print a1' | 'qvm-features a1 f' | 'qvm-tags a1' | 'qvm-label get red') printf "$HOSTILE\n" | cmp -s - "$out" || wrong "stdout is not what came: $text_out" ;;
		esac
	}
	each '' '' check
}

@test "text that acts on terminals: errors, types, qubes" {
	local reply
	for reply in "2\0QubesException\0\0$HOSTILE\0" "2\0$HOSTILE\0$HOSTILE\0%s $HOSTILE %d\0$HOSTILE\0" \
		"0\0default=False type=$HOSTILE x"; do
		start_script <<<"$LIST"$'\n> * *\n'"< $reply"
		on_terminal
	done
	start_script <<<'> * *'$'\n'"< 0\0a1 class=AppVM\n$HOSTILE class=$HOSTILE state=$HOSTILE default=True type=str x\n"
	on_terminal
}
