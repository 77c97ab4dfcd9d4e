#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Any changes of a system that runs, in any order: after each of them the keys of all qubes are what the Admin API says.
# KEYS_STEPS (15): changes in each generation. KEYS_SEED (1): which ones.

load lib/common

# pick VARIABLE VALUE...: one of them. Not by $( ), where RANDOM begins anew.
pick() {
	local -n to=$1
	shift
	# shellcheck disable=SC2034
	to=${*:RANDOM % $# + 1:1}
}

# Sets command to one that changes something about one of the qubes.
change() {
	local q service name layout switch uplink audio of
	pick q work personal vault sys-firewall sys-net sys-usb
	pick service cups crond ntpd meminfo-writer guivm app-dispvm.x
	pick name a b
	pick layout us++ de++ fr+oss+
	pick switch on off
	pick uplink sys-net sys-firewall
	pick audio "''" dom0 work
	pick of ipv6 net.fake-ip anon-timezone gui
	pick command "qvm-service $q $service $switch" "qvm-service -D $q $service" \
		"qvm-features $q vm-config.$name $RANDOM" "qvm-features --unset $q vm-config.$name" \
		"qvm-features $q custom-persist.$name /$RANDOM" "qvm-features --unset $q custom-persist.$name" \
		"qvm-prefs $q keyboard_layout $layout" "qvm-prefs -D $q keyboard_layout" \
		"qvm-prefs dom0 keyboard_layout $layout" "qvm-prefs $q audiovm $audio" "qvm-prefs -D $q audiovm" \
		"qubes-prefs default_audiovm $audio" "qvm-prefs $q guivm dom0" "qvm-prefs $q guivm sys-usb" \
		"qvm-prefs $q guivm ''" "qvm-prefs $q netvm $uplink" "qvm-prefs $q netvm ''" "qvm-prefs -D $q netvm" \
		"qubes-prefs default_netvm $uplink" "qvm-prefs $q maxmem 0" "qvm-prefs $q maxmem 800" \
		"qvm-prefs $q debug True" "qvm-prefs $q label blue" "qvm-features $q $of ''" \
		"qvm-features $q $of 10.0.0.9" "qvm-firewall $q reset" \
		"qvm-firewall $q add --before 0 drop dst4=10.0.0.$((RANDOM % 9))" \
		"qvm-prefs far relayvm work" "qvm-prefs far relayvm vault" "qvm-prefs far remote_name r$RANDOM" \
		"qvm-start -q $q" "qvm-start -q $q" "qvm-start -q $q" "qvm-kill $q" "qvm-shutdown --wait --force -q $q"
}

@test "after any change the keys that hold what is true now do" {
	for gen in r4 r3 r2; do
		RANDOM=${KEYS_SEED:=1}
		QVMD_STATE=$BATS_TEST_TMPDIR/$gen
		start_xenstored
		start_daemon default --xenstore "$XENSTORED_PATH" --vmif $gen
		export QVM_VMIF=$gen QVM_QUBESDB_DIR=$QVMD_STATE/run
		qvm-create -q -C RemoteVM -l red far
		qvm-start -q work personal vault
		for ((i = 0; i < ${KEYS_STEPS:-15}; i++)); do
			change
			# many of them are refused, which is a change of nothing
			eval "$command" >/dev/null 2>&1 || :
			run qvm-vmconfig check --all --live
			assert_equal "KEYS_SEED=$KEYS_SEED $gen $i: $command
$output" "KEYS_SEED=$KEYS_SEED $gen $i: $command
"
		done
		stop_daemon
		_end "$XENSTORED_PID" || :
	done
}
