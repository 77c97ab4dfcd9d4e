#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Firewall rules as the daemon serves, keeps and forgets them (admin-api 2.12, 4.6, 9).

load lib/common
load lib/rows

# Waits until the daemon leaves the rule with this comment out of what it shows.
await_over() {
	local i
	for ((i = 0; i < 1000; i++)); do
		[[ $(raw admin.vm.firewall.Get "$1") == *comment="$2"* ]] || return 0
		_tick
	done
	return 1
}

@test "Get, Set, Reload: the order of the parts, the list as a whole, the event" {
	start_daemon
	events_start
	rows <<-'END'
	> admin.vm.firewall.Get work
	< 0\0action=accept\n
	> admin.vm.firewall.Set work action=accept specialtarget=dns dsthost=1.1.1.1 proto=udp expire=9999999999 dstports=53 comment=c
	< 0\0
	> admin.vm.firewall.Get work
	< 0\0action=accept expire=9999999999 dst4=1.1.1.1/32 proto=udp specialtarget=dns dstports=53-53 comment=c\n
	# blanks around lines, either end of line, the last one missing; the whole list is another
	> admin.vm.firewall.Set work  proto=icmp icmptype=08 action=drop\t\r\naction=accept dsthost=FE80::1\r\n\taction=accept dst4=10.0.0.1/08 comment= a  b  \naction=drop
	< 0\0
	> admin.vm.firewall.Get work
	< 0\0action=drop proto=icmp icmptype=8\naction=accept dst6=FE80::1/128\naction=accept dst4=10.0.0.1/08 comment= a  b\naction=drop\n
	> admin.vm.firewall.Reload work
	< 0\0
	# the empty list, which drops everything, is not the list that was never set
	> admin.vm.firewall.Set work
	< 0\0
	> admin.vm.firewall.Get work
	< 0\0
	> admin.vm.firewall.Get vault
	< 0\0action=accept\n
	# of a template as well
	> admin.vm.firewall.Set fedora-42-xfce action=drop
	< 0\0
	> admin.vm.firewall.Get fedora-42-xfce
	< 0\0action=drop\n
	END
	seen <<-'END'
	work firewall-changed
	work firewall-changed
	work firewall-changed
	work firewall-changed
	fedora-42-xfce firewall-changed
	END
}

@test "what is refused changes nothing and fires nothing" {
	start_daemon
	raw admin.vm.firewall.Set work 'action=drop comment=stays'
	events_start
	rows <<-'END'
	> admin.vm.firewall.Get dom0
	< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	> admin.vm.firewall.Set dom0 action=drop
	< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	> admin.vm.firewall.Reload dom0
	< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	> admin.vm.firewall.Get+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.firewall.Set+x work action=drop
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.firewall.Reload+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.firewall.Get work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.firewall.Reload work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.firewall.Get nosuch
	< 2\0QubesVMNotFoundError\0\0No such domain: 'nosuch'\0
	# names that have a link in dom0 and nothing behind it (1.11)
	> admin.vm.firewall.Flush work
	< 2\0ProtocolError\0\0no such method: 'admin.vm.firewall.Flush'\0
	> admin.vm.firewall.GetPolicy work
	< 2\0ProtocolError\0\0no such method: 'admin.vm.firewall.GetPolicy'\0
	> admin.vm.firewall.SetPolicy work drop
	< 2\0ProtocolError\0\0no such method: 'admin.vm.firewall.SetPolicy'\0
	# the rules
	> admin.vm.firewall.Set work action=drop comment=caf\xc3\xa9
	< 2\0ProtocolError\0\0Rules contains non-ASCII characters\0
	> admin.vm.firewall.Set work action=drop\n\naction=accept
	< 2\0QubesValueError\0\0rule 2: missing action=\0
	> admin.vm.firewall.Set work action=drop\n\n
	< 2\0QubesValueError\0\0rule 2: missing action=\0
	> admin.vm.firewall.Set work \n
	< 2\0QubesValueError\0\0rule 1: missing action=\0
	> admin.vm.firewall.Set work action=drop\naction=reject
	< 2\0QubesValueError\0\0rule 2: invalid action: reject\0
	> admin.vm.firewall.Set work action=drop\0
	< 2\0QubesValueError\0\0rule 1: a rule holds a zero byte\0
	> admin.vm.firewall.Set work action=accept  proto=tcp
	< 2\0QubesValueError\0\0rule 1: invalid rule description: \0
	> admin.vm.firewall.Set work action=accept dstports=80
	< 2\0QubesValueError\0\0rule 1: dstports valid only for 'tcp' and 'udp' protocols\0
	> admin.vm.firewall.Set work action=accept dst4=1.2.3.4 dsthost=a
	< 2\0QubesValueError\0\0rule 1: dsthost is given twice\0
	> admin.vm.firewall.Set work action=accept dsthost=Example.com
	< 2\0QubesValueError\0\0rule 1: Invalid hostname\0
	> admin.vm.firewall.Set work action=accept comment=a=b
	< 2\0QubesValueError\0\0rule 1: invalid characters in comment\0
	> admin.vm.firewall.Get work
	< 0\0action=drop comment=stays\n
	END
	seen </dev/null
}

@test "4.2 and 4.3: the same, but for what they refuse without a word" {
	for compat in 4.2 4.3; do
		QVMD_STATE=$BATS_TEST_TMPDIR/$compat
		start_daemon default --compat $compat
		rows <<-'END'
		> admin.vm.firewall.Get work
		< 0\0action=accept\n
		> admin.vm.firewall.Set work
		< 0\0
		> admin.vm.firewall.Get work
		< 0\0
		> admin.vm.firewall.Set work action=reject
		< 2\0QubesValueError\0\0rule 1: invalid action: reject\0
		END
		run raw admin.vm.firewall.Set work 'action=drop comment=\xff'
		assert_output ''
		run raw admin.vm.firewall.Get dom0
		assert_output ''
		stop_daemon
	done
}

@test "a RemoteVM has no firewall: no answer at all" {
	start_daemon
	raw admin.vm.Create.RemoteVM dom0 'name=far label=red'
	for call in Get Set Reload; do
		run raw admin.vm.firewall.$call far
		assert_equal "$call $output" "$call "
	done
}

# A call that only prepares.
ok() { raw "$@" >/dev/null; }

@test "a disposable has the rules of its template" {
	start_daemon
	ok admin.vm.property.Set+template_for_dispvms work True
	ok admin.vm.firewall.Set work 'action=accept expire=9999999999 comment=mine'
	ok admin.vm.Create.DispVM+work dom0 'name=one label=red'
	ok admin.vm.firewall.Set work 'action=drop'
	ok admin.vm.Create.DispVM+work dom0 'name=two label=red'
	ok admin.vm.firewall.Set two ''
	ok admin.vm.Create.AppVM dom0 'name=app label=red'
	events_start
	disp=$(raw admin.vm.CreateDisposable work)
	disp=${disp#'0\0'}
	rows <<-END
	> admin.vm.firewall.Get one
	< 0\0action=accept expire=9999999999 comment=mine\n
	> admin.vm.firewall.Get two
	< 0\0
	> admin.vm.firewall.Get $disp
	< 0\0action=drop\n
	> admin.vm.firewall.Get app
	< 0\0action=accept\n
	END
	refute [ "$(events | grep -c firewall)" != 0 ]
	kill_daemon
	start_daemon
	expect 0 'raw admin.vm.firewall.Get one; raw admin.vm.firewall.Get two; raw admin.vm.firewall.Get app' \
		'0\0action=accept expire=9999999999 comment=mine\n
0\0
0\0action=accept\n
'
}

@test "a rule past its time is gone, and the others hear of it" {
	start_daemon
	events_start
	local soon=$((EPOCHSECONDS + 2))
	raw admin.vm.firewall.Set work "action=accept comment=first
action=accept expire=$soon comment=short
action=drop expire=1 comment=old
action=drop expire=9999999999 comment=long"
	expect 0 'raw admin.vm.firewall.Get work' \
		"0\\0action=accept comment=first\\naction=accept expire=$soon comment=short\\naction=drop expire=9999999999 comment=long\\n"$'\n'
	seen <<<'work firewall-changed'
	await_over work short
	for ((i = 0; i < 1000 && $(events | wc -l) < 2; i++)); do _tick; done
	# once, and not for what was over when it was set
	seen <<<'work firewall-changed'
	assert [ "$EPOCHSECONDS" -ge "$soon" ]
	kill_daemon
	# it is gone from the store, too; what runs out while no daemon is there goes when one is
	expect 0 "sqlite3 '$QVMD_STATE/qvmd.sqlite' 'SELECT rules FROM firewall'" \
		$'action=accept comment=first\naction=drop expire=9999999999 comment=long\n\n'
	sqlite3 "$QVMD_STATE/qvmd.sqlite" "UPDATE firewall SET rules = 'action=drop expire=5 comment=old'"
	start_daemon
	expect 0 'raw admin.vm.firewall.Get work' $'0\\0\n'
	kill_daemon
	expect 0 "sqlite3 '$QVMD_STATE/qvmd.sqlite' 'SELECT rules FROM firewall'" $'\n'
}

@test "as many rules as a request holds; the longest entry" {
	start_daemon
	local head='admin.vm.firewall.Set+ dom0 name work' rules long
	rules=$(yes action=drop | head -n $(((65535 - ${#head}) / 12)))
	run raw_bytes "$head\\0$rules"
	assert_output '0\0'
	assert [ "$(raw admin.vm.firewall.Get work)" = "0\\0${rules//$'\n'/\\n}\\n" ]
	long=$(printf '%03051d' 0)
	rows <<-END
	> admin.vm.firewall.Set work action=drop dsthost=$long comment=beside
	< 0\0
	> admin.vm.firewall.Set work action=drop dsthost=${long}0
	< 2\0QubesValueError\0\0rule 1: rule is longer than 3071 bytes\0
	END
}

@test "rules of a fixture; a removed qube takes its rules along" {
	cd "$BATS_TEST_TMPDIR"
	cat >fixture.yaml <<-'END'
	base: default
	qubes:
	  - name: web
	    firewall:
	      - action=accept proto=tcp dstports=443
	      - action=drop
	  - name: closed
	    firewall: []
	END
	start_daemon ./fixture.yaml
	rows <<-'END'
	> admin.vm.firewall.Get web
	< 0\0action=accept proto=tcp dstports=443-443\naction=drop\n
	> admin.vm.firewall.Get closed
	< 0\0
	> admin.vm.Remove web
	< 0\0
	> admin.vm.Create.AppVM dom0 name=web label=red
	< 0\0
	> admin.vm.firewall.Get web
	< 0\0action=accept\n
	END
	sed -i 's/=443/=a/' fixture.yaml
	expect 1 'qvmd --state x --fixture ./fixture.yaml --foreground' '' \
		$'qvmd: error: ./fixture.yaml:5:9: firewall: Invalid port range\n'
}

@test "a store from before there were firewall rules; one with what is no rule" {
	mkdir "$BATS_TEST_TMPDIR/state"
	base64 -d "$ROOT/tests/lib/store-1.gz.b64" | gzip -d >"$BATS_TEST_TMPDIR/state/qvmd.sqlite"
	start_daemon empty
	rows <<-'END'
	> admin.vm.firewall.Get old
	< 0\0action=accept\n
	> admin.vm.firewall.Set old action=drop
	< 0\0
	END
	kill_daemon
	start_daemon empty
	expect 0 'raw admin.vm.firewall.Get old' $'0\\0action=drop\\n\n'
	stop_daemon
	sqlite3 "$QVMD_STATE/qvmd.sqlite" "UPDATE firewall SET rules = 'action=allow'"
	expect 1 "qvmd --state '$QVMD_STATE' --foreground" '' \
		$'qvmd: error: cannot read the store: it holds something that cannot be\n'
}
