#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-sync-clock and qvm-monitor-layout with qubes that are real. No clock of this machine is set.
load lib/common
load lib/sandbox

setup_file() {
	start_sandboxes default
	qvm-start --skip-if-running work sys-net
}
teardown_file() { stop_all; }

@test "the time of a real clock qube, and for all others" {
	printf '#!/bin/bash\necho "$@" >%q\n' "$BATS_TEST_TMPDIR/time" >"$BATS_TEST_TMPDIR/set"
	chmod +x "$BATS_TEST_TMPDIR/set"
	cd "$BATS_TEST_TMPDIR"
	expect 0 'qvm-sync-clock --push --set-with ./set' '' ''
	[[ $(<time) =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8},[0-9]{9}\+00:00$ ]]
	run -0 qvm-sync-clock --dry-run
	[[ $output == 'sys-net: '*', offset '*' s, not set' ]]
}

@test "monitors are told to a real qube" {
	expect 0 'echo "1280 800 0 0" | qvm-monitor-layout --from - work' '' ''
	expect 0 'echo "1280 800 0 0" | qvm-monitor-layout --from - --all --json | jq -c .work' '{"result":"set","reason":null}'$'\n' ''
}
