# SPDX-License-Identifier: GPL-2.0-or-later
# What was acknowledged is there: after kill -9, on full disks, in stores that cannot be used.
#
# HAMMER_ROUNDS (20): how often the daemon is killed. HAMMER_SEED (1): another course of events.

load lib/common

@test "kill -9 under eight writers: nothing acknowledged is lost, nothing is half done, events are true" {
	cd "$BATS_TEST_TMPDIR"
	run "$TESTBIN/hammer" -r "${HAMMER_ROUNDS:-20}" -s "${HAMMER_SEED:-1}" "$PWD/socket" \
		qvmd --foreground --state state --socket "$PWD/socket" --fixture default
	echo "# $output" >&3
	assert_success
	assert_line --regexp "^${HAMMER_ROUNDS:-20} rounds: [0-9]{3,} changes acknowledged, .*; 0 problems\$"
}
