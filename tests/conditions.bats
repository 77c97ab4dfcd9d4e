# SPDX-License-Identifier: GPL-2.0-or-later
# Every tool where it is least comfortable (qvm(7), tools-config 1.4): streams that are closed, full or lead nowhere,
# signals in the middle of a call, narrow and wide terminals, other locales. What a row of lib/tools does
# in plain surroundings is known; here is what may become of it.

load lib/common
load lib/tools

# Runs all rows in plain surroundings, once for this file.
setup_file() {
	local row status n=0
	start_script < <(tools_replies)
	export BASE=$BATS_FILE_TMPDIR/base
	mkdir "$BASE"
	{ tool_rows a1 && completion_rows a1 | head -n 1; } >"$BASE/rows"
	while read -r row; do
		status=0
		$row </dev/null >"$BASE/$n.out" 2>"$BASE/$n.err" 3>&- || status=$?
		echo "$status" >>"$BASE/status"
		n=$((n + 1))
	done <"$BASE/rows"
}

setup() {
	local n
	mapfile -t ROWS <"$BASE/rows"
	mapfile -t STATUS <"$BASE/status"
	for n in "${!ROWS[@]}"; do
		slurp "OUT[$n]" "$BASE/$n.out"
		slurp "ERR[$n]" "$BASE/$n.err"
	done
}

# What CHECK functions are made of: the status, and the streams as they are in plain surroundings.
check_status() { ((status == $1)) || wrong "status $status, expected $1: $text_err"; }
check_out() { [[ $text_out == "${OUT[n]}" ]] || wrong "stdout is $text_out"; }
check_err() { [[ $text_err == "$1" ]] || wrong "stderr is $text_err"; }
# The same status, or a failure where there was none.
check_failed() { check_status $((STATUS[n] ? STATUS[n] : 1)); }
same() { check_status "${STATUS[n]}"; check_out; check_err "${ERR[n]}"; }
same_but_err() { check_status "${STATUS[n]}"; check_out; }

@test "every program that is built has its rows" {
	local tool
	for tool in $(tools); do
		grep -q "^$tool " "$BASE/rows" || fail "tests/lib/tools.bash: tool_rows needs a row for $tool"
	done
	# And in plain surroundings they succeed; questions that nobody answers are refusals.
	for n in "${!ROWS[@]}"; do
		case ${ROWS[n]} in
		'qvm-notes --delete a1') assert_equal "${STATUS[n]}" 2 ;;
		'qvm-remove a1' | 'qvm-volume clear a1'* | 'qvm-volume clone a1'* | qvm-move* | qvm-copy\ * | \
			qvm-console* | qvm-open-in-dvm*)
			assert_equal "${STATUS[n]}" 1
			;;
		*) assert_equal "${ROWS[n]}: ${STATUS[n]}" "${ROWS[n]}: 0" ;;
		esac
	done
}

# ---- streams ----

# lost REASON: what was to be written is lost; without anything to write nothing is wrong.
lost() {
	local json=''
	if [[ ! ${OUT[n]} ]]; then
		same
		return
	fi
	check_failed
	if [[ $row == *\ --json* ]]; then
		json="{\"error\":\"Error\",\"message\":\"write error: $1\",\"qube\":null,\"method\":null}"$'\n'
	fi
	says "${row%% *}"
	check_err "${ERR[n]}$said write error: $1"$'\n'"$json"
}

@test "stdout is full" {
	check() { lost 'No space left on device'; }
	each '' '>/dev/full' check
}

@test "stdout is closed" {
	check() { lost 'Bad file descriptor'; }
	only=OUT each '' '>&-' check
}

# A pipe whose reader has gone; its descriptor is $writer.
open_broken_pipe() {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec {reader}<>"$BATS_TEST_TMPDIR/pipe" {writer}>"$BATS_TEST_TMPDIR/pipe"
	exec {reader}<&-
	rm "$BATS_TEST_TMPDIR/pipe"
}

@test "a pipe that nobody reads" {
	open_broken_pipe
	# As any other program: ended by SIGPIPE, without a word of its own.
	check() {
		check_status 141
		[[ ! $text_err || $text_err == "${ERR[n]}" || $row == qvm-remove* ]] || wrong "stderr is $text_err"
	}
	only=OUT each 'env --default-signal=PIPE' ">&$writer" check
	# Whose parent ignores SIGPIPE learns it from the write.
	check() { lost 'Broken pipe'; }
	only=OUT each 'env --ignore-signal=PIPE' ">&$writer" check
	exec {writer}>&-
}

@test "a reader that wants one byte" {
	to_head() {
		env --default-signal=PIPE "$@" | head -c 1
		return "${PIPESTATUS[0]}"
	}
	check() {
		((status == 141)) || check_status "${STATUS[n]}"
		[[ $text_out == "${OUT[n]:0:1}" ]] || wrong "stdout is $text_out"
	}
	only=OUT each to_head '' check
}

@test "stdin, stderr or all three are closed" {
	each '' '<&-' same
	each '' '2>&-' same_but_err
	only=ERR each '' '2>/dev/full' same_but_err
	check() { if [[ ${OUT[n]} ]]; then check_failed; else check_status "${STATUS[n]}"; fi; }
	each '' '<&- >&- 2>&-' check
	expect 1 'qubesd-query dom0 admin.vm.List dom0 <&-' '' \
		$'qubesd-query: error: cannot read standard input: Bad file descriptor\n'
}

@test "--help and --version of all programs, the lab's too" {
	local path tool cmd
	open_broken_pipe
	for path in "$BIN"/*; do
		tool=${path##*/} cmd="$tool --help"
		says "$tool"
		expect 1 "$cmd >/dev/full" '' "$said write error: No space left on device"$'\n'
		expect 1 "$cmd >&-" '' "$said write error: Bad file descriptor"$'\n'
		expect 0 "cmp <($cmd) <($cmd <&- 2>&-)" '' ''
		expect 141 "env --default-signal=PIPE $cmd >&$writer" '' ''
	done
	exec {writer}>&-
}

# ---- signals ----

@test "SIGINT in the middle of a call: ended by the signal, without a word" {
	local row n pid status
	start_script <<-'END'
		> admin.Events+ dom0
		< stream 1
		> * *
		< stream 0
	END
	for n in "${!ROWS[@]}"; do
		row=${ROWS[n]} status=0
		# A press of Tab has a limit of its own on its patience.
		[[ $row != *' --complete-words '* ]] || continue
		# These do not get as far as a call.
		[[ ! $row =~ $NO_CALL ]] || continue
		calls_clear
		# A limit on time makes another way of waiting: by turns.
		((n % 2)) && export QVM_TIMEOUT=60 || unset QVM_TIMEOUT
		eval "env --default-signal=INT $row </dev/null >$BATS_TEST_TMPDIR/out 2>$BATS_TEST_TMPDIR/err 3>&- &"
		pid=$!
		until [[ -s $CALLS_LOG ]] || _gone "$pid"; do _tick; done
		kill -INT "$pid"
		wait "$pid" || status=$?
		assert_equal "$row: $status" "$row: 130"
		[[ $row == qubesd-query* ]] || assert_equal "$row: $(<"$BATS_TEST_TMPDIR/out")" "$row: "
		assert_equal "$row: $(<"$BATS_TEST_TMPDIR/err")" "$row: "
	done
}

# ---- terminals and locales ----

# Data is the same on a terminal of any width as in a pipe (tools-config 1.8).
@test "terminals of 20 and 200 columns" {
	local columns
	tty() { script -qec "stty cols $columns; $* 2>/dev/null </dev/null" /dev/null; }
	check() {
		text_out=${text_out//$'\r'/}
		# The NUL behind the type of a reply is nothing for a terminal.
		[[ $row != qubesd-query\ -* ]] || text_out=${text_out/0_/0$'\1'}
		same_but_err
	}
	for columns in 20 200; do
		only=OUT each tty '' check
	done
}

@test "--help on a terminal of 20 and 200 columns has the same words" {
	local tool columns want
	for tool in $(tools); do
		want=$("$tool" --help | tr -s ' \n' ' ')
		for columns in 20 200; do
			script -qec "stty cols $columns; $tool --help" /dev/null </dev/null | tr -d '\r' >"$BATS_TEST_TMPDIR/out"
			assert_equal "$columns $(tr -s ' \n' ' ' <"$BATS_TEST_TMPDIR/out")" "$columns $want"
			(($(wc -L <"$BATS_TEST_TMPDIR/out") <= (columns == 20 ? 100 : 200)))
		done
	done
}

@test "text of ASCII is the same in the C locale" {
	each 'env LC_ALL=C' '' same
}
