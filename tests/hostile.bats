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

# on_terminal: all rows on a terminal, stdout and stderr; what it shows is harmless.
on_terminal() {
	printf '%s </dev/null || echo "status $?"\n' "${ROWS[@]}" >"$BATS_TEST_TMPDIR/rows"
	script -qec "bash $BATS_TEST_TMPDIR/rows" /dev/null </dev/null >"$BATS_TEST_TMPDIR/screen" 3>&- || :
	# A word to the shell: nobody sees it.
	sed -i '/^\x01\(files\|commands\)\r$/d' "$BATS_TEST_TMPDIR/screen"
	assert_harmless "$BATS_TEST_TMPDIR/screen"
	run ! grep -aE 'Sanitizer|runtime error|^status ([4-9]|[0-9]{2}|1[0-9]{2})(\r|$)' "$BATS_TEST_TMPDIR/screen"
}

@test "text that acts on terminals: values, names, classes, states, colours, notes" {
	mapfile -t ROWS < <(tool_rows a1; completion_rows a1)
	start_script < <(with_text "$HOSTILE")
	on_terminal
	grep -qa '_\[31m_\]0;pwned__\[2J___' "$BATS_TEST_TMPDIR/screen"
	# In a pipe it is as it came.
	mapfile -t ROWS < <(tool_rows a1)
	check() {
		((status <= 3)) || wrong "status $status"
		case $row in
		*' --json'*) printf '%s\n' "$text_out" | jq -e . >/dev/null && [[ $text_out != *[$'\e\x7f']* ]] || wrong "JSON: $text_out" ;;
		'qvm-prefs a1 kernelopts' | 'qvm-notes --print a1' | 'qvm-features a1 f' | 'qvm-tags a1' | 'qvm-label get red') printf "$HOSTILE\n" | cmp -s - "$out" || wrong "stdout is not what came: $text_out" ;;
		esac
	}
	each '' '' check
}

@test "text that acts on terminals: errors, types, qubes" {
	local reply
	mapfile -t ROWS < <(first_rows a1)
	for reply in "2\0QubesException\0\0$HOSTILE\0" "2\0$HOSTILE\0$HOSTILE\0%s $HOSTILE %d\0$HOSTILE\0" \
		"0\0default=False type=$HOSTILE x"; do
		start_script <<<"$LIST"$'\n> * *\n'"< $reply"
		on_terminal
	done
	mapfile -t ROWS < <(tool_rows a1)
	start_script <<<'> * *'$'\n'"< 0\0a1 class=AppVM\n$HOSTILE class=$HOSTILE state=$HOSTILE default=True type=str x\n"
	on_terminal
}

@test "in tmux: no colour, no title, nothing cleared, no bell" {
	local t="tmux -S $BATS_TEST_TMPDIR/tmux -f /dev/null" shown
	start_script < <(with_text "$HOSTILE")
	{
		echo "$t select-pane -T 'as it was'; echo it begins"
		printf '%s </dev/null\n' "${ROWS[@]}"
		echo "echo it ends; $t wait-for -S done; exec sleep 60"
	} >"$BATS_TEST_TMPDIR/rows"
	$t new-session -d -x 100 -y 300 "exec bash $BATS_TEST_TMPDIR/rows" 3>&-
	_remember "$($t display-message -p '#{pid}')"
	$t wait-for done
	assert_equal "$($t display-message -p '#{pane_title} #{window_bell_flag} #{cursor_flag}')" 'as it was 0 1'
	shown=$($t capture-pane -e -p -S -)
	[[ $shown == $'it begins\n'* && $shown == *$'\nit ends'* && $shown != *$'\e'* ]]
	# A terminal without the escaping does show what was meant, so this test can fail.
	$t new-window "printf '$HOSTILE'; $t wait-for -S done; exec sleep 60"
	$t wait-for done
	assert_equal "$($t display-message -p '#{pane_title}')" pwned
	$t kill-server
}

# ---- replies that are none ----

# Fails, in one line of its own that ends with one of the texts in $TEXTS; what is passed on raw is not looked at.
fails_in_one_line() {
	# A stream that began and was lost is opened again, with one line as well, until time is over.
	[[ $row != qvm-@(events|wait)* || $text_err != *reconnecting* ]] || return 0
	local line=${text_err%$'\n'} text
	[[ $row != qubesd-query* ]] || return 0
	[[ $row != *' --json'* ]] || line=${line%$'\n'\{*}
	((status == 1 || status == 2)) || [[ $row == qvm-run* && $status == 255 ]] || wrong "status $status"
	((status == 1)) || line=${line##*$'\n'}
	# A backup says what failed on a line of its own, whatever stands before it.
	[[ $row != qvm-backup* ]] || line=${line#$'\n'}
	# A restore says it of each qube, and in the end that there is one.
	[[ $row != qvm-backup-restore* ]] || line=${line%%$'\n'*}
	[[ $line != *$'\n'* ]] || wrong "more than a line: $line"
	for text in "${TEXTS[@]}"; do
		[[ $line != *"$text" ]] || return 0
	done
	wrong "stderr is: $line"
}

@test "the whole daemon answers nonsense: one line that says so" {
	local reply zeros
	zeros=$(head -c 1000000 /dev/zero | sed 's/\x00/\\0/g')
	TEXTS=('Invalid response format')
	mapfile -t ROWS < <(first_rows a1 | grep -vE "$NO_CALL")
	for reply in 3 '00\0' '1\0\0connection-established\0\0' '2\0QubesExc' '\0' "$zeros" "0\0$zeros"; do
		start_script <<<'> * *'$'\n'"< $reply"
		each '' '' fails_in_one_line
	done
}

# With the list of qubes as it should be: what a tool can do without, it does without; anything else is one line.
@test "all calls but List answer with exceptions" {
	fails_or_not() {
		case $row in
		qvm-copy\ * | qvm-move* | qvm-console* | qvm-open-in-dvm*) ;; # make no call here
		qvm-check* | 'qvm-notes --delete'* | 'qvm-remove a1') ;; # talk before they ask, or never do
		*) ((status == 0)) && [[ ! $text_err ]] || fails_in_one_line ;;
		esac
	}
	replies() {
		start_script <<<"$LIST"$'\n> * *\n'"< $1"
		TEXTS=("$2")
		each '' '' fails_or_not
	}
	replies '2\0Invented\0trace\nback\0%s and %d, %s, %n\0one\02\0' 'one and 2, %s, %n'
	replies '2\0QubesException\0\0too many %s\0fields\0here\0\0' 'too many fields'
}

# ---- replies that stop ----

@test "half a reply, then nothing: QVM_TIMEOUT ends it" {
	local streams='^qvm-(events|wait) '
	TEXTS=('No answer from qubesd within 0.02 seconds')
	# A raw request is passed on as it comes, for ever.
	start_script <<<$'> * *\n< stream 0\\0a1 class=App'
	mapfile -t ROWS < <(tool_rows a1 | grep -v ^qubesd-query | grep -vE "$streams|$NO_CALL")
	each 'QVM_TIMEOUT=0.02' '' fails_in_one_line
	start_script <<<$'> * *\n< stream 1\\0\\0connection-est'
	mapfile -t ROWS < <(tool_rows a1 | grep -E "$streams")
	each 'QVM_TIMEOUT=0.02' '' fails_in_one_line
	# What they were told to wait for has not come either.
	run -1 qvm-events --timeout 0.02 --count 1
	start_script <<<"$LIST"$'\n> * *\n< stream 1\\0\\0connection-est'
	run -1 qvm-wait --timeout 0.02 a1
}

# cut COMMAND SCRIPT LENGTH: runs COMMAND again and again while the daemon closes a byte later each time, until the reply
# is whole. Prints how often in a row, the status, and both outputs with their newlines as '~'.
cut() {
	local n status
	start_script <<<"$2"
	for ((n = 0; n <= $3; n++)); do
		status=0
		$1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null 3>&- || status=$?
		slurp text_out "$BATS_TEST_TMPDIR/out"
		slurp text_err "$BATS_TEST_TMPDIR/err"
		echo "$status|${text_out//$'\n'/'~'}${text_err//$'\n'/'~'}"
	done | uniq -c | sed 's/^ *//'
}

@test "a daemon that closes at every byte in turn: List, GetAll, Get, an exception" {
	local empty='Got empty response from qubesd. See journalctl in dom0 for details.' bad='Invalid response format'
	# Whole lines only: half a line is no qube.
	run cut 'qvm-ls --raw-data -O name,state' '> admin.vm.List+ dom0
< cut 0\0ab class=AppVM state=Halted\ncd class=AppVM state=Running\n' 59
	assert_output "1 1|qvm-ls: error: $empty~
1 1|qvm-ls: error: $bad~
1 0|
27 1|qvm-ls: error: $bad~
1 0|ab|Halted~
28 1|qvm-ls: error: $bad~
1 0|ab|Halted~cd|Running~"
	run cut 'qvm-prefs a1' '> admin.vm.property.List+ a1
< 0\0netvm\nxid\n
> admin.vm.property.GetAll+ a1
< cut 0\0netvm default=True type=vm net\nxid default=False type=int 7\n
> * *
< close' 62
	# A GetAll that is refused without a word is followed by Get for each, refused too (tools-config 3.2).
	assert_output "1 0|netvm  U~xid    U~
1 1|qvm-prefs: error: $bad~
1 0|netvm  U~xid    U~
30 1|qvm-prefs: error: $bad~
1 0|netvm  D  net~xid    U~
28 1|qvm-prefs: error: $bad~
1 0|netvm  D  net~xid    -  7~"
	# A value alone may be any beginning of what it was: nothing tells.
	run cut 'qvm-prefs a1 netvm' $'> admin.vm.property.Get+netvm a1\n< cut 0\\0default=True type=vm ab' 25
	assert_output "1 1|qvm-prefs: error: Failed to access 'netvm' property~
22 1|qvm-prefs: error: $bad~
1 0|
1 0|a~
1 0|ab~"
	run cut 'qvm-tags a1' $'> admin.vm.tag.List+ a1\n< cut 2\\0QubesX\\0\\0no %s\\0way\\0' 20
	assert_output "1 1|qvm-tags: error: $empty~
9 1|qvm-tags: error: $bad~
1 1|qvm-tags: error: ~
1 1|qvm-tags: error: n~
1 1|qvm-tags: error: no~
1 1|qvm-tags: error: no ~
1 1|qvm-tags: error: no %~
2 1|qvm-tags: error: no %s~
1 1|qvm-tags: error: no w~
1 1|qvm-tags: error: no wa~
2 1|qvm-tags: error: no way~"
}

# ---- too much ----

@test "a megabyte in every text" {
	local long script
	long=$(printf '%01000000d' 0)
	script=$(with_text "LONG$HOSTILE")
	start_script <<<"${script//LONG/$long}"
	check() {
		((status <= 3)) || wrong "status $status"
		case $row in
		*' --jsonl'*) jq . "$out" >/dev/null || wrong 'no JSON lines' ;;
		*' --json'*) jq -es 'length > 0' "$out" >/dev/null || wrong 'no JSON' ;;
		'qvm-prefs a1 kernelopts' | 'qvm-notes --print a1' | 'qvm-features a1 f' | 'qvm-tags a1' | 'qvm-label get red')
			((${#text_out} > 1000000)) || wrong "only ${#text_out} characters" ;;
		esac
	}
	each '' '' check
	# As an error, and to a terminal.
	start_script <<<$'> * *\n'"< 2\\0X\\0\\0$long$HOSTILE\\0"
	mapfile -t ROWS < <(first_rows a1)
	on_terminal
	(($(wc -c <"$BATS_TEST_TMPDIR/screen") > 15000000))
}

# ---- the lab's own ----

@test "fixture hostile: all that the daemon really holds, on a terminal and as JSON" {
	local qube
	start_daemon hostile
	ROWS=(qvm-label 'qvm-label --json' 'qvm-check --all' 'qvm-check --all --json' 'qubes-prefs'
		'qvm-ls -O name,class,state,label,netvm,template,kernelopts,default_user,tags,features'
		'qvm-ls --json -O name,kernelopts,tags,features,remote_name' 'qvm-ls --raw-data -O name,kernelopts,features'
		'qvm-tags --all' 'qvm-tags --all --json' 'qvm-features --all' 'qvm-features --all --jsonl'
		'qvm-service --all' 'qvm-prefs --all' 'qvm-prefs --all --json' 'qvm-prefs --all remote_name'
		'qvm-notes --print --all' 'qvm-notes --print --all --json')
	for qube in shell lines terminal wide remote; do
		ROWS+=("qvm-prefs $qube kernelopts" "qvm-notes --print $qube")
	done
	check() {
		((status <= 3)) || wrong "status $status"
		[[ $row != *' --json'* || $text_err ]] || jq -es 'length > 0' "$out" >/dev/null || wrong "JSON: $text_out"
	}
	each '' '' check
	on_terminal
	[[ ! -e /tmp/qvm-pwned ]]
}
