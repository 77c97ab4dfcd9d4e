#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine sleeps and wakes up; qubes tell how many updates they have (admin-api 2.16).

load lib/common
load lib/rows

setup() { start_daemon; }

states() { raw admin.vm.List dom0 | grep -oE '(sys-[a-z]+|work) class=[A-Za-z]+ state=[A-Za-z]+' | sed 's/ class=.* state=/ /'; }

@test "internal.SuspendPre, internal.SuspendPost: what ran sleeps and runs again, what was paused stays so" {
	raw admin.vm.Pause sys-usb
	rows <<-'END'
	> internal.SuspendPre dom0
	< 0\0
	END
	assert_equal "$(states)" $'sys-firewall Suspended\nsys-net Suspended\nsys-usb Paused\nwork Halted'
	rows <<-'END'
	> internal.SuspendPost dom0
	< 0\0
	END
	assert_equal "$(states)" $'sys-firewall Running\nsys-net Running\nsys-usb Paused\nwork Halted'
	rows <<-'END'
	> internal.SuspendPre+x dom0
	< 2\0ProtocolError\0\0unexpected argument\0
	> internal.SuspendPre work
	< 2\0ProtocolError\0\0expected destination to be AdminVM\0
	> internal.SuspendPost dom0 x
	< 2\0ProtocolError\0\0unexpected payload\0
	END
}

@test "qubes.NotifyUpdates: of a template, of a qube based on it, and of nobody" {
	rows <<-'END'
	> admin.vm.feature.Get+updates-available debian-13-xfce
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain debian-13-xfce: updates-available\0
	> @debian-13-xfce qubes.NotifyUpdates dom0 3
	< 0\0
	> admin.vm.feature.Get+updates-available debian-13-xfce
	< 0\01
	> admin.vm.feature.Get+last-update debian-13-xfce
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain debian-13-xfce: last-update\0
	> @debian-13-xfce qubes.NotifyUpdates dom0 \n0\n
	< 0\0
	> admin.vm.feature.Get+updates-available debian-13-xfce
	< 0\0
	# an AppVM speaks for its halted template, and only of updates that are there
	> @work qubes.NotifyUpdates dom0 0
	< 0\0
	> admin.vm.feature.Get+updates-available fedora-42-xfce
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain fedora-42-xfce: updates-available\0
	> @work qubes.NotifyUpdates dom0 12
	< 0\0
	> admin.vm.feature.Get+updates-available fedora-42-xfce
	< 0\01
	> admin.vm.feature.Get+updates-available work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: updates-available\0
	END
	for f in last-update last-updates-check; do
		run raw admin.vm.feature.Get+$f debian-13-xfce
		assert_output --regexp '^0\\0[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$'
	done
	rows <<-'END'
	> @work qubes.NotifyUpdates dom0 many
	< 2\0ProtocolError\0\0Update count is not a digit\0
	> @work qubes.NotifyUpdates dom0 1 2
	< 2\0ProtocolError\0\0Update count is not a digit\0
	> @work qubes.NotifyUpdates dom0
	< 2\0ProtocolError\0\0expected payload\0
	> @work qubes.NotifyUpdates+x dom0 1
	< 2\0ProtocolError\0\0unexpected argument\0
	> @work qubes.NotifyUpdates work 1
	< 2\0ProtocolError\0\0expected destination to be AdminVM\0
	END
}
