# SPDX-License-Identifier: GPL-2.0-or-later
# What every bats file here loads: where the programs are, a daemon or a scripted server to talk to, and
# comparisons of whole outputs. A file that defines its own teardown or teardown_file calls stop_all in it.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
QVM_BUILD=${QVM_BUILD:-$ROOT/build/dev}
[[ $QVM_BUILD == /* ]] || QVM_BUILD=$ROOT/$QVM_BUILD
BIN=$QVM_BUILD/bin
TESTBIN=$QVM_BUILD/tests
export ROOT QVM_BUILD BIN TESTBIN PATH="$BIN:$PATH" LC_ALL=C.UTF-8 TZ=UTC
# An endpoint of our own making comes with QVM_TEST_SOCKET; no other may be talked to.
[[ -n ${QVM_TEST_SOCKET:-} ]] || unset QVM_ENDPOINT
unset QVM_TIMEOUT QVM_QREXEC_CLIENT QVM_QREXEC_CLIENT_VM QVM_RPC_DIR QVM_RESTORE_LOCK COLUMNS
# A machine with much to do is no daemon that says nothing.
export QVM_COMPLETION_TIMEOUT=20

bats_require_minimum_version 1.7.0
# Debian keeps the libraries here; a checkout elsewhere sets BATS_LIB_PATH.
BATS_LIB_PATH=${BATS_LIB_PATH:-/usr/lib/bats:/usr/lib}
bats_load_library bats-support
bats_load_library bats-assert

# The directory of the present test, or of the file within setup_file.
_dir() { printf '%s' "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"; }

# A short rest for bounded polling, without a process: nothing ever comes out of this pipe.
exec {_TICK}<> <(:)
export _TICK
_tick() { read -rt 0.01 -u "$_TICK" || :; }

# _remember PID [DIR]: stop_all ends the one and removes the other.
_remember() { echo "$*" >>"$(_dir)/.pids"; }

# True when a process has ended, even if nobody has reaped it yet.
_gone() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${stat##*) } == Z* ]]
}

# Ends one process of ours: TERM, after 10 s KILL. Returns its exit status when it is a child.
_end() {
	local pid=$1 i
	kill "$pid" 2>/dev/null || :
	for ((i = 0; i < 1000; i++)); do
		_gone "$pid" && break
		_tick
	done
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || { i=$? && ((i == 127)) || return "$i"; }
}

# Everything that this test (or, within teardown_file, this file) has started.
stop_all() {
	local pid dir
	[[ -f $(_dir)/.pids ]] || return 0
	while read -r pid dir; do
		_end "$pid" || :
		[[ -z $dir ]] || rm -rf "$dir"
	done <"$(_dir)/.pids"
	rm -f "$(_dir)/.pids"
}
teardown() { stop_all; }
teardown_file() { stop_all; }

# ---- the daemon ----

# start_daemon [FIXTURE|FILE] [qvmd options]: qvmd on a private state directory, default fixture "default".
# Exports QVM_ENDPOINT, QVM_TEST_SOCKET, QVMD_PID and QVMD_STATE; after stop_daemon the same directory is used
# again unless QVMD_STATE is emptied. Its stderr is $QVMD_STATE.err. Nothing runs in its qubes unless --require-bwrap
# is among the options.
start_daemon() {
	local fixture=default
	if (($#)) && [[ $1 != -* ]]; then
		fixture=$1
		shift
	fi
	# One that runs (of setup_file, or of this test) keeps its directory.
	if [[ -n ${QVMD_STATE:-} ]] && kill -0 "$QVMD_PID" 2>/dev/null; then
		QVMD_STATE=$(_dir)/state.$QVMD_PID
	fi
	export QVMD_STATE=${QVMD_STATE:-$(_dir)/state}
	export QVM_TEST_SOCKET=$QVMD_STATE.sock
	export QVM_ENDPOINT=unix:$QVM_TEST_SOCKET
	rm -f "$QVM_TEST_SOCKET"
	[[ " $* " == *' --require-bwrap '* ]] || set -- --power null "$@"
	qvmd --foreground --state "$QVMD_STATE" --socket "$QVM_TEST_SOCKET" --fixture "$fixture" "$@" \
		</dev/null >"$QVMD_STATE.err" 2>&1 3>&- &
	export QVMD_PID=$!
	_remember "$QVMD_PID"
	if ! "$TESTBIN/rawcall" -w "$QVMD_PID" "$QVM_TEST_SOCKET"; then
		cat "$QVMD_STATE.err" >&2
		return 1
	fi
}

# Ends it as an administrator would; its exit status is the result.
stop_daemon() { _end "$QVMD_PID"; }
# As a power cut would.
kill_daemon() {
	kill -9 "$QVMD_PID"
	while kill -0 "$QVMD_PID" 2>/dev/null; do
		_tick
	done
}

# raw METHOD[+ARG] DEST [PAYLOAD]: one request, the bytes of its reply escaped on one line. Further options
# of rawcall may stand in front (-s SOURCE).
raw() {
	local opts=()
	while [[ $1 == -* ]]; do
		opts+=("$1")
		[[ $1 == -c ]] || { opts+=("$2") && shift; }
		shift
	done
	"$TESTBIN/rawcall" "${opts[@]}" "$QVM_TEST_SOCKET" "$@"
}
# raw_bytes BYTES: a request of just these bytes.
raw_bytes() { "$TESTBIN/rawcall" -x "$QVM_TEST_SOCKET" "$1"; }

# ---- XenStore ----

# The program of the newest Xen that is installed; /usr/sbin has but a script that wants a hypervisor.
xenstored_program() {
	local all=(/usr/lib/xen-*/bin/xenstored /usr/libexec/xen/bin/xenstored /usr/sbin/xenstored) p newest
	for p in "${all[@]}"; do
		[[ ! -x $p || $(head -c 4 "$p") != $'\177ELF' ]] || newest=${newest:-$p}
	done
	echo "${newest:?there is no xenstored; make deps installs it}"
}

# start_xenstored [options]: a xenstored for this test, with the lab's stand-in for the hypervisor. Exports
# XENSTORED_PATH, XENSTORED_RUNDIR (where an introduced domain has its domN.socket) and XENSTORED_PID. What it does
# is told in $XENSTORED_RUNDIR/trace.
start_xenstored() {
	# short: a path of a socket has at most 107 bytes
	export XENSTORED_RUNDIR XENSTORED_PATH XENSTORED_PID
	XENSTORED_RUNDIR=$(mktemp -d /tmp/xs.XXXXXX)
	XENSTORED_PATH=$XENSTORED_RUNDIR/socket
	coproc xenstored_proc { LD_PRELOAD=$QVM_BUILD/lib/qvm-tools/xen-standin.so exec "$(xenstored_program)" \
		-N -P -T "$XENSTORED_RUNDIR/trace" "$@" </dev/null 2>"$XENSTORED_RUNDIR/err" 3>&-; }
	# shellcheck disable=SC2154
	XENSTORED_PID=$xenstored_proc_PID
	_remember "$XENSTORED_PID" "$XENSTORED_RUNDIR"
	read -r -u "${xenstored_proc[0]}" _ || { cat "$XENSTORED_RUNDIR/err" >&2 && return 1; }
}

# ---- events ----

# events_start [DEST]: listens from now on. One listener at a time.
events_start() {
	export EVENTS_LOG EVENTS_DEST=${1:-dom0} EVENTS_PID
	EVENTS_LOG=$(_dir)/events.log
	"$TESTBIN/rawcall" -e 0 "$QVM_TEST_SOCKET" admin.Events "$EVENTS_DEST" \
		</dev/null >>"$EVENTS_LOG" 2>&1 3>&- &
	EVENTS_PID=$!
	_remember "$EVENTS_PID"
	_await_event '. connection-established'
}

_await_event() {
	local i
	for ((i = 0; i < 1000; i++)); do
		if grep -qxF -e "$1" "$EVENTS_LOG"; then
			return 0
		fi
		_tick
	done
	echo "no event '$1' in 10 s; there are:" >&2
	cat "$EVENTS_LOG" >&2
	return 1
}

# Prints what was seen since events_start (or events_clear), connection-established left out, one a line:
# "SUBJECT EVENT KEY=VALUE...", subject "." for the system. Everything that came before this call is in it.
events() {
	local mark
	mark=marker-$RANDOM$RANDOM
	raw "admin.vm.feature.Set+$mark" "$EVENTS_DEST" >/dev/null
	raw "admin.vm.feature.Remove+$mark" "$EVENTS_DEST" >/dev/null
	_await_event "$EVENTS_DEST domain-feature-delete:$mark feature=$mark" || return 1
	grep -vE -e ' domain-feature-[a-z-]*:marker-' -e '^\. connection-established$' "$EVENTS_LOG" || :
}
events_clear() { events >/dev/null && : >"$EVENTS_LOG"; }
events_stop() { _end "$EVENTS_PID" || :; }

# ---- the scripted server ----

# start_script FILE, or start_script with the script on standard input.
start_script() {
	local script=${1:-$(_dir)/script.in}
	if (($# == 0)); then
		cat >"$script"
	fi
	export QVM_TEST_SOCKET CALLS_LOG QVM_ENDPOINT SCRIPT_PID
	QVM_TEST_SOCKET=$(_dir)/script.sock
	CALLS_LOG=$(_dir)/calls.log
	QVM_ENDPOINT=unix:$QVM_TEST_SOCKET
	"$TESTBIN/scripted" "$QVM_TEST_SOCKET" "$script" "$CALLS_LOG" || return 1
	SCRIPT_PID=$(<"$QVM_TEST_SOCKET.pid")
	_remember "$SCRIPT_PID"
}
# start_changed FILE: with the script in FILE, but what the script on standard input answers is taken out of it,
# and there a request counts once.
start_changed() {
	local d
	d=$(_dir)
	: >"$d/changes"
	[[ -t 0 ]] || cat >"$d/changes"
	awk 'FILENAME == ARGV[1] { if (/^>/) seen[$0] = 1; print; next }
	     /^>/ { skip = $0 in seen; seen[$0] = 1 }
	     !skip' "$d/changes" "$1" >"$d/changed.script"
	start_script "$d/changed.script"
}
# The requests so far, one a line: DEST METHOD+ARG [<- PAYLOAD].
calls() { cat "$CALLS_LOG"; }
calls_clear() { : >"$CALLS_LOG"; }
stop_script() { _end "$SCRIPT_PID" || :; }

# start_appendix_a: the scripted server with the system of the fixture appendix-a, and what stdin adds to it.
start_appendix_a() {
	cat "$ROOT/tests/fixtures/appendix-a.script" - >"$BATS_TEST_TMPDIR/a.script"
	start_script "$BATS_TEST_TMPDIR/a.script"
}

# ---- comparing ----

# expect STATUS COMMAND STDOUT [STDERR]: runs COMMAND with bash -c and compares all bytes, the newlines at
# the end too: expect 0 'qvm-ls --raw-list' $'a\nb\n'
expect() {
	local d status=0
	d=$(_dir)
	bash -c "$2" >"$d/out" 2>"$d/err" 3>&- || status=$?
	printf '%s' "$3" >"$d/out.want"
	printf '%s' "${4-}" >"$d/err.want"
	if [[ $status == "$1" ]] && cmp -s "$d/out" "$d/out.want" && { (($# < 4)) || cmp -s "$d/err" "$d/err.want"; }; then
		return 0
	fi
	{
		printf 'command: %s\nstatus:  %s, expected %s\n' "$2" "$status" "$1"
		diff -u --label 'expected stdout' --label stdout "$d/out.want" "$d/out"
		if (($# < 4)); then
			sed 's/^/stderr: /' "$d/err"
		else
			diff -u --label 'expected stderr' --label stderr "$d/err.want" "$d/err"
		fi
	} >&2 || :
	return 1
}

# fails STATUS COMMAND LAST_LINE: nothing on stdout; the usage first with status 2, the line alone otherwise.
# shellcheck disable=SC2154 # output and stderr are what run leaves
fails() {
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status [$output] ${stderr##*$'\n'}" "$2: $1 [] $3"
	if (($1 == 2)); then
		[[ $stderr == usage:\ * ]]
	else
		assert_equal "$stderr" "$3"
	fi
}

export -f raw raw_bytes calls calls_clear events events_clear _await_event _tick _dir
