#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qubesd-query: admin-api 1.14.

load lib/common

setup() {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0work class=AppVM state=Halted\n
		> admin.Ping+ dom0 *
		< 0\0
		> admin.Fail+a+b work *
		< 2\0QubesException\0\0boom\0
		> admin.Event+ dom0
		< 1\0\0connection-established\0\0
		> admin.Empty+ dom0
		< close
		> admin.Odd+ dom0
		< x
	END
}

# query STATUS ARGUMENTS OUTPUT [INPUT]: OUTPUT with NUL written as \0.
query() {
	local status=0
	printf '%b' "${4-}" | bash -c "qubesd-query $2" >"$BATS_TEST_TMPDIR/out" || status=$?
	assert_equal "$2: $status $(sed 's/\x0/\\0/g' "$BATS_TEST_TMPDIR/out")" "$2: $1 $3"
}

@test "the reply as it is" {
	query 0 'dom0 admin.vm.List dom0' '0\0work class=AppVM state=Halted'
	query 0 '-e dom0 admin.vm.List dom0' '0\0work class=AppVM state=Halted' 'not read'
	query 0 'dom0 admin.Fail work a+b' '2\0QubesException\0\0boom\0' 'x\0y\n'
	query 0 'dom0 admin.Empty dom0' ''
	assert_equal "$(calls)" "dom0 admin.vm.List+
dom0 admin.vm.List+
work admin.Fail+a+b <- x\\0y\\n
dom0 admin.Empty+"
}

@test "--fail: the first digit, or 1" {
	query 0 '--fail dom0 admin.vm.List dom0' '0\0work class=AppVM state=Halted'
	query 1 '--fail -e dom0 admin.Event dom0' '1\0\0connection-established\0\0'
	query 2 '--fail dom0 admin.Fail work a+b' '2\0QubesException\0\0boom\0'
	query 1 '--fail dom0 admin.Empty dom0' ''
	query 1 '--fail dom0 admin.Odd dom0' x
}

@test "--null: a NUL at the end, not with --fail" {
	query 0 '--null dom0 admin.Ping dom0' '0\0\0'
	query 0 '--null dom0 admin.Empty dom0' '\0'
	query 0 '--null --fail dom0 admin.Ping dom0' '0\0'
}

# refused ARGUMENTS MESSAGE [INPUT]: a usage error, and nothing was sent.
refused() {
	calls_clear
	local status=0 err
	err=$(printf '%b' "${3-}" | bash -c "qubesd-query $1" 2>&1 >/dev/null) || status=$?
	assert_equal "$1: $status $(tail -1 <<<"$err")" "$1: 2 qubesd-query: error: $2"
	assert_equal "$(calls)" ''
}

@test "limits of the payload" {
	query 0 '--max-bytes 3 dom0 admin.Ping dom0' '0\0' abc
	refused '--max-bytes 3 dom0 admin.Ping dom0' 'Payload too long (max 3)' abcd
	refused '--max-bytes 0 dom0 admin.Ping dom0' 'Payload too long (max 0)' a
	refused '--max-bytes x dom0 admin.Ping dom0' "argument --max-bytes: invalid int value: 'x'" a
	local status=0
	head -c 65536 /dev/zero | qubesd-query dom0 admin.Ping dom0 >/dev/null || status=$?
	assert_equal "$status" 0
	run -2 bash -c 'head -c 65537 /dev/zero | qubesd-query --max-bytes 99999 dom0 admin.Ping dom0'
	assert_equal "${lines[-1]}" 'qubesd-query: error: Payload too long (max 65536)'
}

@test "--single-line" {
	query 0 '--single-line dom0 admin.Ping dom0' '0\0' 'a b~\nrest\0'
	assert_equal "$(calls)" 'dom0 admin.Ping+ <- a b~'
	refused '--single-line dom0 admin.Ping dom0' 'Payload has no newline' 'abc'
	refused '--single-line dom0 admin.Ping dom0' 'Payload has no newline' ''
	refused '--single-line dom0 admin.Ping dom0' 'Payload contains bytes that are not printable ASCII' 'a\tb\n'
	refused '--single-line dom0 admin.Ping dom0' 'Payload contains bytes that are not printable ASCII' '\xc3\xa9\n'
	refused '--single-line --max-bytes 2 dom0 admin.Ping dom0' 'Payload too long (max 2)' 'abc\n'
	query 0 '--single-line dom0 admin.Ping dom0' '0\0' "$(printf 'x%.0s' {1..1024})\n"
	refused '--single-line dom0 admin.Ping dom0' 'Payload too long (max 1024)' "$(printf 'x%.0s' {1..1025})\n"
	query 0 '--single-line --max-bytes 2000 dom0 admin.Ping dom0' '0\0' "$(printf 'x%.0s' {1..1025})\n"
}

@test "which socket" {
	local socket=$QVM_TEST_SOCKET
	QVM_ENDPOINT=unix:/nonexistent query 0 "--connect $socket dom0 admin.Ping dom0" '0\0'
	QVM_ENDPOINT=qrexec: query 0 "-c $socket dom0 admin.Ping dom0" '0\0'
	QVM_ENDPOINT=unix:/nonexistent expect 1 'qubesd-query dom0 admin.Ping dom0 </dev/null' '' \
		$'qubesd-query: error: Failed to connect to qubesd service: [Errno 2] No such file or directory\n'
}

@test "usage errors" {
	refused '' 'the following arguments are required: SRC, METHOD, DEST'
	refused 'dom0 admin.Ping' 'the following arguments are required: DEST'
	refused 'a b c d e' 'unrecognized arguments: e'
	refused '-c' 'argument --connect/-c: expected one argument'
}

@test "against the daemon" {
	stop_script
	start_daemon empty
	query 0 '-e dom0 admin.vm.List dom0' '0\0dom0 class=AdminVM state=Running uuid=00000000-0000-0000-0000-000000000000'
	query 2 '--fail -e dom0 admin.vm.List nosuch' "2\\0QubesVMNotFoundError\\0\\0No such domain: 'nosuch'\\0"
}
