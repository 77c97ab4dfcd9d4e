# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon as a program, its framing, checks, events, and what it promises about the disk.

load lib/common
load lib/rows

# Waits until a process is gone.
await_end() {
	local i
	for ((i = 0; i < 1000; i++)); do
		_gone "$1" && return 0
		_tick
	done
	return 1
}

# Waits until FILE holds a whole line that matches.
await_line() {
	local i
	for ((i = 0; i < 1000; i++)); do
		grep -qE -e "$2" "$1" 2>/dev/null && return 0
		_tick
	done
	echo "no line '$2' in $1:" >&2
	cat "$1" >&2
	return 1
}

uuid_of() { raw admin.vm.List "$1" | sed -E 's/.* uuid=([-0-9a-f]{36})\\n$/\1/'; }

@test "framing: what is malformed gets an empty reply" {
	start_daemon
	for bytes in '' 'admin.vm.List+ dom0 name dom0' 'admin.vm.List+\0' 'admin.vm.List+ dom0 name\0' \
		'admin.vm.List+ dom0 dom0\0' 'admin.vm.List+ dom0 keyword dom0\0' 'admin.vm.List+ dom0 other adminvm\0' \
		'admin.vm.List+ dom0 uuid x\0' 'admin.vm.List+  dom0 name dom0\0' '\0admin.vm.List+ dom0 name dom0\0' \
		'admin.vm.L\xc3\xa9+ dom0 name dom0\0' 'admin.vm.List+ d\xf6m name dom0\0' \
		'admin.vm.List+ dom0 name d\xf6m\0' 'admin.vm.feature.Get+\xff dom0 name work\0'; do
		run raw_bytes "$bytes"
		assert_equal "$bytes: $output" "$bytes: "
	done
	# a payload is not part of the header, and may hold anything but must not be there for this one
	while IFS='|' read -r bytes want; do
		run raw_bytes "$bytes"
		assert_equal "$bytes: $output" "$bytes: $want"
	done <<-'END'
		admin.vmclass.List dom0 name dom0\0|0\0AdminVM\nAppVM\nDispVM\nRemoteVM\nStandaloneVM\nTemplateVM\n
		admin.vmclass.List+ dom0 keyword adminvm\0|0\0AdminVM\nAppVM\nDispVM\nRemoteVM\nStandaloneVM\nTemplateVM\n
		admin.vmclass.List+ dom0 name dom0\0\xff\0|2\0ProtocolError\0\0unexpected payload\0
		admin.vm.Kill++ dom0 name dom0\0|2\0ProtocolError\0\0unexpected argument\0
		admin.vmclass.List+ dom0 name dom0 x\0|2\0QubesValueError\0\0VM name contains illegal characters\0
	END
}

@test "framing: 65536 bytes are taken, 65537 are not" {
	start_daemon
	local header='admin.vmclass.List+ dom0 name dom0' fill
	fill=$(head -c $((65536 - ${#header} - 1)) /dev/zero | tr '\0' x)
	expect 0 "raw_bytes '$header\\0$fill'" '2\0ProtocolError\0\0unexpected payload\0'$'\n'
	expect 0 "raw_bytes '$header\\0${fill}x' 2>/dev/null" $'\n'
	expect 0 'raw admin.deviceclass.List dom0' '0\0block\nmic\npci\nusb\n'$'\n'
}

@test "qubes of the header: names, uuids, the keyword" {
	start_daemon
	work=$(uuid_of work)
	rows <<-END
		> @nobody admin.vm.List dom0
		< 2\0QubesVMNotFoundError\0\0No such domain: 'nobody'\0
		> @nobody admin.nosuch nothing
		< 2\0QubesVMNotFoundError\0\0No such domain: 'nobody'\0
		> @-x admin.vm.List dom0
		< 2\0QubesValueError\0\0VM name cannot start with hyphen, underscore, dot or numbers\0
		> admin.nosuch nothing
		< 2\0QubesVMNotFoundError\0\0No such domain: 'nothing'\0
		> admin.vm.List x-dm
		< 2\0QubesValueError\0\0VM name cannot end with -dm\0
		> admin.vm.List a234567890123456789012345678901x
		< 2\0QubesValueError\0\0VM name must be shorter than 32 characters\0
		> admin.vm.List none
		< 2\0QubesValueError\0\0VM name cannot be 'none' nor 'default'\0
		> admin.vm.List uuid:$work
		< 0\0work class=AppVM state=Halted uuid=$work\n
		> admin.vm.property.Get+name uuid:$work
		< 0\0default=False type=str work
		> admin.vm.List uuid:11111111-2222-3333-4444-555555555555
		< 2\0QubesVMNotFoundError\0\0No such domain: 'uuid:11111111-2222-3333-4444-555555555555'\0
		> admin.vm.List uuid:zz
		< 2\0QubesVMInvalidUUIDError\0\0VM UUID is not valid: 'zz'\0
		> admin.vm.List uuid:
		< 2\0QubesVMInvalidUUIDError\0\0VM UUID is not valid: ''\0
		> admin.vmclass.List uuid:00000000-0000-0000-0000-000000000000
		< 0\0AdminVM\nAppVM\nDispVM\nRemoteVM\nStandaloneVM\nTemplateVM\n
	END
}

@test "checks before a call runs, in their order" {
	start_daemon
	rows <<-'END'
		> admin.nosuch dom0
		< 2\0ProtocolError\0\0no such method: 'admin.nosuch'\0
		> admin.vm.List.x+a dom0 b
		< 2\0ProtocolError\0\0no such method: 'admin.vm.List.x'\0
		> admin.vm.Create dom0 name=x
		< 2\0ProtocolError\0\0no such method: 'admin.vm.Create'\0
		> admin.vm.Create. dom0 name=x
		< 2\0ProtocolError\0\0no such method: 'admin.vm.Create.'\0
		> admin.vm.Create.App.VM dom0 name=x
		< 2\0ProtocolError\0\0no such method: 'admin.vm.Create.App.VM'\0
		> admin.label.Create work
		< 2\0ProtocolError\0\0expected payload\0
		> admin.label.Get+x work y
		< 2\0ProtocolError\0\0unexpected payload\0
		> admin.label.Create work 0x000000
		< 2\0ProtocolError\0\0expected an argument\0
		> admin.vm.property.Get work
		< 2\0ProtocolError\0\0expected an argument\0
		> internal.GetSystemInfo+x work
		< 2\0ProtocolError\0\0unexpected argument\0
		> admin.vm.Kill+work dom0
		< 2\0ProtocolError\0\0unexpected argument\0
		> admin.label.Create+x work 0x000000
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
		> internal.GetSystemInfo work
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
		> admin.vm.notes.Get dom0
		< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	END
}

@test "enumerations" {
	start_daemon
	rows <<-'END'
		> admin.vmclass.List dom0
		< 0\0AdminVM\nAppVM\nDispVM\nRemoteVM\nStandaloneVM\nTemplateVM\n
		> admin.deviceclass.List dom0
		< 0\0block\nmic\npci\nusb\n
		> admin.vmclass.List work
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
		> admin.deviceclass.List work
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
	END
	# dom0 first, whatever sorts before it
	raw admin.vm.Create.StandaloneVM dom0 'name=AAA label=red' >/dev/null
	raw admin.vm.Create.StandaloneVM dom0 'name=B.b label=red' >/dev/null
	run raw admin.vm.List dom0
	assert_equal "$(sed 's/^0\\0//; s/\\n/\n/g' <<<"$output" | cut -d' ' -f1 | head -n 4)" $'dom0\nAAA\nB.b\ndebian-13-xfce'
}

@test "a list with a name as argument answers that entry; older generations refuse" {
	start_daemon default
	expect 0 'raw admin.label.List+red dom0; raw admin.label.List+re dom0; raw admin.vm.tag.List+guivm-dom0 work
		raw admin.vm.feature.List+os fedora-42-xfce; raw admin.vm.property.List+netvm work
		raw admin.property.List+clockvm dom0; raw admin.vmclass.List+AppVM dom0; raw admin.deviceclass.List+usb dom0' \
		'0\0red\n
0\0
0\0guivm-dom0\n
0\0os\n
0\0netvm\n
0\0clockvm\n
0\0AppVM\n
0\0usb\n
'
	run raw admin.vm.List+work dom0
	assert_output --regexp '^0\\0work class=AppVM state=Halted uuid=[0-9a-f-]{36}\\n$'
	stop_daemon
	start_daemon default --compat 4.3
	expect 0 'raw admin.label.List+red dom0' $'\n'
}

@test "internal.GetSystemInfo" {
	start_daemon
	raw admin.vm.feature.Set+internal vault 1 >/dev/null
	vault=$(uuid_of vault)
	run raw internal.GetSystemInfo dom0
	assert_output --regexp '^0.0\{"domains":\{.*\}\}$'
	assert_output --partial '"vault":{"internal":"1","tags":["audiovm-dom0","created-by-dom0","guivm-dom0"],"type":"AppVM","template_for_dispvms":false,"default_dispvm":"default-dvm","icon":"appvm-black","label":"0x000000","guivm":"dom0","relayvm":null,"transport_rpc":null,"power_state":"Halted","uuid":"'"$vault"'"}'
	assert_output --partial '"dom0":{"internal":null,"tags":[],"type":"AdminVM","template_for_dispvms":false,"default_dispvm":"default-dvm","icon":"appvm-black","label":"0x000000","guivm":null,"relayvm":null,"transport_rpc":null,"power_state":"Running","uuid":"00000000-0000-0000-0000-000000000000"}'
}

@test "a store of the first schema is taken over" {
	mkdir "$BATS_TEST_TMPDIR/state"
	base64 -d "$ROOT/tests/lib/store-1.gz.b64" | gzip -d >"$BATS_TEST_TMPDIR/state/qvmd.sqlite"
	start_daemon empty
	expect 0 'qvm-ls --raw-data --fields NAME,CLASS,LABEL' $'dom0|AdminVM|black\nold|StandaloneVM|red\n'
	expect 0 "raw admin.vm.device.mic.Assign+dom0+mic old \"mode='auto-attach'\"" '0\0'$'\n'
	stop_daemon
	start_daemon empty
	expect 0 'raw admin.vm.device.mic.Assigned old' \
		"0\\0dom0+mic:* device_id='*' port_id='mic' devclass='mic' backend_domain='dom0' mode='auto-attach'\\n"$'\n'
}

# Those of pools and volumes are in storage.bats.
@test "--list-methods: the rows of admin-api 2.2-2.8, 2.11-2.14 and 12" {
	expect 0 'qvmd --list-methods | grep -v "^admin\.\(pool\|vm\.volume\)\." | cut -f-5 | sort' "$(sort <<-'END' | tr -s ' ' '\t'
		admin.Events S23N * - -
		admin.backup.Cancel S23N 0 + -
		admin.backup.Execute S23N 0 + -
		admin.backup.Info S23N 0 + -
		admin.deviceclass.List -23N 0 - -
		admin.label.Create S23N 0 + +
		admin.label.Get S23N 0 + -
		admin.label.Index S23N 0 + -
		admin.label.List S23N 0 - -
		admin.label.Remove S23N 0 + -
		admin.property.Get S23N 0 + -
		admin.property.GetAll S23N 0 - -
		admin.property.GetDefault S23N 0 + -
		admin.property.Help S23N 0 + -
		admin.property.HelpRst S--- 0 + -
		admin.property.List S23N 0 - -
		admin.property.Reset S23N 0 + -
		admin.property.Set S23N 0 + ?
		admin.vm.Console -23N * - -
		admin.vm.Create.* S23N 0 ? +
		admin.vm.CreateDisposable S23N * ? ?
		admin.vm.CreateInPool.* S23N 0 ? +
		admin.vm.CurrentState S23N * - -
		admin.vm.Kill S23N * - -
		admin.vm.List S23N * - -
		admin.vm.Pause S23N * - -
		admin.vm.Remove S23N * - -
		admin.vm.Resume --3N * - -
		admin.vm.Shutdown S23N * ? -
		admin.vm.Start S23N * - -
		admin.vm.Stats S23N * - -
		admin.vm.Suspend --3N * - -
		admin.vm.Unpause S23N * - -
		admin.vm.device.*.Assign --3N * + +
		admin.vm.device.*.Assigned --3N * ? -
		admin.vm.device.*.Attach S23N * + ?
		admin.vm.device.*.Attached --3N * ? -
		admin.vm.device.*.Available S23N * ? -
		admin.vm.device.*.Detach S23N * + -
		admin.vm.device.*.List S2-- * ? -
		admin.vm.device.*.Set.assignment --3N * + +
		admin.vm.device.*.Set.persistent S2-- * + +
		admin.vm.device.*.Unassign --3N * + -
		admin.vm.device.denied.Add --3N * - ?
		admin.vm.device.denied.List --3N * - -
		admin.vm.device.denied.Remove --3N * - ?
		admin.vm.feature.CheckWithAdminVM S23N * + -
		admin.vm.feature.CheckWithNetvm S23N * + -
		admin.vm.feature.CheckWithTemplate S23N * + -
		admin.vm.feature.CheckWithTemplateAndAdminVM S23N * + -
		admin.vm.feature.Get S23N * + -
		admin.vm.feature.List S23N * - -
		admin.vm.feature.Remove S23N * + -
		admin.vm.feature.Set S23N * + ?
		admin.vm.firewall.Get S23N v - -
		admin.vm.firewall.Reload S23N v - -
		admin.vm.firewall.Set S23N v - ?
		admin.vm.notes.Get --3N v - -
		admin.vm.notes.Set --3N v - ?
		admin.vm.property.Get S23N * + -
		admin.vm.property.GetAll S23N * - -
		admin.vm.property.GetDefault S23N * + -
		admin.vm.property.Help S23N * + -
		admin.vm.property.HelpRst S--- * + -
		admin.vm.property.List S23N * - -
		admin.vm.property.Reset S23N * + -
		admin.vm.property.Set S23N * + ?
		admin.vm.tag.Get S23N * + -
		admin.vm.tag.List S23N * - -
		admin.vm.tag.Remove S23N * + -
		admin.vm.tag.Set S23N * + -
		admin.vmclass.List S23N 0 - -
		internal.GetSystemInfo -23N 0 - -
		internal.SuspendPost -23N 0 - -
		internal.SuspendPre -23N 0 - -
		internal.vm.volume.ImportBegin -23N * + ?
		internal.vm.volume.ImportEnd -23N * + +
		lab.device.*.Plug S23N * + -
		lab.device.*.Unplug S23N * + -
		policy.Get S23N 0 ? ?
		policy.GetFiles -23N 0 ? ?
		policy.List S23N 0 ? ?
		policy.Remove S23N 0 ? ?
		policy.Replace S23N 0 ? ?
		policy.include.Get S23N 0 ? ?
		policy.include.List S23N 0 ? ?
		policy.include.Remove S23N 0 ? ?
		policy.include.Replace S23N 0 ? ?
		qubes.NotifyUpdates -23N 0 - +
	END
	)"$'\n'
	run bash -c 'qvmd --list-methods | cut -f6 | sort | uniq'
	assert_output $'execute\nread\nwrite'
}

@test "--compat 4.2 and 4.3: what is refused without a byte, and what is not known yet" {
	for version in 4.2 4.3; do
		QVMD_STATE=$BATS_TEST_TMPDIR/$version
		start_daemon default --compat "$version"
		while read -r call dest; do
			run raw "$call" "$dest"
			assert_equal "$version $call $output" "$version $call "
		done <<-'END'
			admin.nosuch dom0
			admin.label.List+x dom0
			admin.label.Create+x dom0
			admin.vmclass.List work
		END
		run raw admin.label.Create+7 dom0 0x000000
		assert_output ''
		run raw admin.vm.tag.Set+a/b work
		assert_output ''
		rows <<-'END'
			> admin.vm.List nosuch
			< 2\0QubesVMNotFoundError\0\0No such domain: 'nosuch'\0
			> admin.vm.property.Get work
			< 2\0QubesNoSuchPropertyError\0\0Invalid property '' of work\0
			> admin.vm.tag.Get work
			< 0\00
			> admin.vm.property.Get+nosuch work
			< 2\0QubesNoSuchPropertyError\0\0Invalid property 'nosuch' of work\0
		END
		stop_daemon
	done

	QVMD_STATE=$BATS_TEST_TMPDIR/4.2
	start_daemon default --compat 4.2
	rows <<-'END'
		> admin.vm.List work
		< 0\0work class=AppVM state=Halted\n
		> admin.vmclass.List dom0
		< 0\0AdminVM\nAppVM\nDispVM\nStandaloneVM\nTemplateVM\n
		> admin.vm.List uuid:zz
		< 2\0QubesVMNotFoundError\0\0No such domain: 'uuid:zz'\0
		> admin.vm.List -x
		< 2\0QubesVMNotFoundError\0\0No such domain: '-x'\0
	END
	for method in Suspend Resume notes.Get; do
		run raw "admin.vm.$method" work
		assert_output ''
	done
	stop_daemon

	QVMD_STATE=$BATS_TEST_TMPDIR/4.3
	start_daemon default --compat 4.3
	rows <<-'END'
		> admin.vm.notes.Get work
		< 0\0
		> admin.vm.List uuid:zz
		< 2\0QubesVMInvalidUUIDError\0\0VM UUID is not valid: 'zz'\0
	END
}

@test "--debug fills the traceback" {
	start_daemon empty --debug
	run raw admin.vm.property.Get+nosuch dom0
	assert_output --regexp '^2\\0QubesNoSuchPropertyError\\0qvmd .+\\n\\0Invalid property .nosuch. of dom0\\0$'
}

@test "--log has a line for each request and refusal, with nothing that moves a terminal" {
	start_daemon empty --log "$BATS_TEST_TMPDIR/log"
	raw admin.vmclass.List dom0 >/dev/null
	raw admin.nosuch+x dom0 payload >/dev/null
	raw_bytes 'admin.\x1b[2Jx+ dom0 name dom0\0' >/dev/null
	raw_bytes 'x' >/dev/null
	stop_daemon
	# the first request is start_daemon's, which is empty
	run sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\+0000 //; 1,2d' "$BATS_TEST_TMPDIR/log"
	assert_output "dom0 -> dom0 admin.vmclass.List+ (0)
dom0 -> dom0 admin.nosuch+x (7)
none+x: ProtocolError: no such method: 'admin.nosuch'
dom0 -> dom0 admin._[2Jx+ (0)
none+: ProtocolError: no such method: 'admin._[2Jx'
malformed request of 1 bytes
ends"
}

@test "several subscribers: of the system, and of one qube" {
	start_daemon
	cd "$BATS_TEST_TMPDIR"
	for n in 1 2; do
		rawcall=$TESTBIN/rawcall
		"$rawcall" -e 0 "$QVM_TEST_SOCKET" admin.Events dom0 >all$n 2>&1 3>&- &
		_remember $!
	done
	"$rawcall" -e 0 "$QVM_TEST_SOCKET" admin.Events work >work 2>&1 3>&- &
	_remember $!
	for f in all1 all2 work; do await_line $f '^\. connection-established$'; done
	raw admin.vm.feature.Set+a work 1 >/dev/null
	raw admin.vm.tag.Set+t vault >/dev/null
	raw admin.vm.Create.StandaloneVM dom0 'name=x label=red' >/dev/null
	raw admin.vm.Remove x >/dev/null
	raw admin.vm.Remove work >/dev/null
	# a new qube of the same name is another qube
	raw admin.vm.Create.StandaloneVM dom0 'name=work label=red' >/dev/null
	raw admin.vm.feature.Set+end work '' >/dev/null
	for f in all1 all2; do
		await_line $f 'domain-feature-set:end'
		run cat $f
		assert_output ". connection-established
work domain-feature-pre-set:a feature=a value=1
work domain-feature-set:a feature=a value=1
vault domain-tag-add:t tag=t
. domain-add vm=x
x domain-tag-add:created-by-dom0 tag=created-by-dom0
x domain-create-on-disk
. domain-pre-delete vm=x
. domain-delete vm=x
. domain-pre-delete vm=work
. domain-delete vm=work
. domain-add vm=work
work domain-tag-add:created-by-dom0 tag=created-by-dom0
work domain-create-on-disk
work domain-feature-pre-set:end feature=end value=
work domain-feature-set:end feature=end value="
	done
	run cat work
	assert_output ". connection-established
work domain-feature-pre-set:a feature=a value=1
work domain-feature-set:a feature=a value=1
work domain-remove-from-disk"
}

@test "a subscriber that does not read is dropped, others are not" {
	start_daemon empty
	"$TESTBIN/rawcall" -e 0 "$QVM_TEST_SOCKET" admin.Events dom0 >"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- &
	slow=$!
	_remember $slow
	await_line "$BATS_TEST_TMPDIR/slow" connection-established
	events_start
	kill -STOP $slow
	value=$(head -c 60000 /dev/zero | tr '\0' x)
	for n in {1..100}; do
		raw admin.vm.feature.Set+f dom0 "$value" >/dev/null
	done
	raw admin.vm.feature.Set+end dom0 1 >/dev/null
	_await_event 'dom0 domain-feature-set:end feature=end value=1'
	kill -CONT $slow
	wait $slow || :
	run grep -c domain-feature-set:end "$BATS_TEST_TMPDIR/slow"
	assert_output 0
}

@test "admin.vm.Stats: one qube, all that run, one that does not" {
	start_daemon
	raw admin.property.Set+stats_interval dom0 1 >/dev/null
	run "$TESTBIN/rawcall" -e 3 "$QVM_TEST_SOCKET" admin.vm.Stats sys-net
	mem='memory_kb=307200 memory_assigned_total=307200 memory_assigned_usable=307200 memory_with_swap_used=307200'
	assert_equal "$(sed -E 's/cpu_time=[0-9]+/cpu_time=N/' <<<"$output")" ". connection-established
sys-net vm-stats $mem cpu_time=N cpu_usage=0 online_vcpus=2
sys-net vm-stats $mem cpu_time=N cpu_usage=0 online_vcpus=2"
	run "$TESTBIN/rawcall" -e 5 "$QVM_TEST_SOCKET" admin.vm.Stats dom0
	assert_equal "$(cut -d' ' -f-2 <<<"$output")" $'. connection-established\ndom0 vm-stats
sys-firewall vm-stats\nsys-net vm-stats\nsys-usb vm-stats'
	rows <<-'END'
		> admin.vm.Stats work
		< 1\0\0connection-established\0\02\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	END
	stop_daemon
	start_daemon --compat 4.3
	raw admin.vm.Start sys-net >/dev/null
	run "$TESTBIN/rawcall" -e 2 "$QVM_TEST_SOCKET" admin.vm.Stats sys-net
	assert_equal "$(sed -E 's/cpu_time=[0-9]+/cpu_time=N/' <<<"$output")" ". connection-established
sys-net vm-stats memory_kb=307200 cpu_time=N cpu_usage=0 cpu_usage_raw=0"
}

@test "--max-connections: the next one waits until a subscriber leaves" {
	start_daemon empty --max-connections 1
	"$TESTBIN/rawcall" -e 0 "$QVM_TEST_SOCKET" admin.Events dom0 >"$BATS_TEST_TMPDIR/events" 2>&1 3>&- &
	subscriber=$!
	_remember $subscriber
	await_line "$BATS_TEST_TMPDIR/events" connection-established
	raw admin.deviceclass.List dom0 >"$BATS_TEST_TMPDIR/reply" 3>&- &
	caller=$!
	_remember $caller
	for i in {1..10}; do _tick; done
	run cat "$BATS_TEST_TMPDIR/reply"
	assert_output ''
	kill $subscriber
	wait $caller
	run cat "$BATS_TEST_TMPDIR/reply"
	assert_output '0\0block\nmic\npci\nusb\n'
}

@test "a client that leaves at once: its change is made all the same" {
	start_daemon
	raw -c admin.vm.feature.Set+a work 1
	run raw admin.vm.feature.Get+a work
	for i in {1..500}; do
		[[ $output == '0\01' ]] && break
		_tick
		run raw admin.vm.feature.Get+a work
	done
	assert_output '0\01'
}

@test "what was acknowledged survives kill -9" {
	start_daemon
	rows <<-'END'
		> admin.vm.property.Set+memory work 777
		> admin.vm.feature.Set+z work 1
		> admin.vm.feature.Set+a work 2
		> admin.vm.feature.Set+z work 3
		> admin.vm.tag.Set+t work
		> admin.vm.notes.Set work a\nb
		> admin.label.Create+pink dom0 0xff00ff
		> admin.property.Set+default_shutdown_timeout dom0 7
		> admin.vm.Create.AppVM+fedora-42-xfce dom0 name=new label=pink
		> admin.vm.Remove untrusted
	END
	new=$(uuid_of new)
	kill_daemon
	start_daemon
	rows <<-END
		> admin.vm.property.Get+memory work
		< 0\0default=False type=int 777
		> admin.vm.feature.List work
		< 0\0z\na\n
		> admin.vm.feature.Get+z work
		< 0\03
		> admin.vm.tag.Get+t work
		< 0\01
		> admin.vm.notes.Get work
		< 0\0a\nb
		> admin.label.Get+pink dom0
		< 0\00xff00ff
		> admin.property.Get+default_shutdown_timeout dom0
		< 0\0default=False type=int 7
		> admin.vm.property.Get+template new
		< 0\0default=False type=vm fedora-42-xfce
		> admin.vm.List uuid:$new
		< 0\0new class=AppVM state=Halted uuid=$new\n
		> admin.vm.List untrusted
		< 2\0QubesVMNotFoundError\0\0No such domain: 'untrusted'\0
	END
}

# Replaces the program by itself below strace, for start_daemon.
below_strace() {
	export ASAN_OPTIONS=detect_leaks=0
	qvmd() { exec strace -I 2 -o "$BATS_TEST_TMPDIR/trace" -e trace=fsync,fdatasync,sendto,sendmsg "$BIN/qvmd" "$@"; }
}

@test "a change is synced before its OK leaves" {
	below_strace
	start_daemon empty
	raw admin.vm.List dom0 >/dev/null
	: >"$BATS_TEST_TMPDIR/trace.mark"
	before=$(wc -l <"$BATS_TEST_TMPDIR/trace")
	run raw admin.vm.feature.Set+a dom0 1
	assert_output '0\0'
	await_line "$BATS_TEST_TMPDIR/trace" 'sendto\(.*"0\\0", 2'
	run awk -v n="$before" 'NR > n { sub(/\(.*/, ""); print }' "$BATS_TEST_TMPDIR/trace"
	assert_output --regexp '^(fdatasync|fsync)
((fdatasync|fsync)
)*sendto$'
}

@test "requests that come together share a commit" {
	below_strace
	start_daemon empty
	child=$(pgrep -P "$QVMD_PID" -x qvmd || echo "$QVMD_PID")
	before=$(wc -l <"$BATS_TEST_TMPDIR/trace")
	kill -STOP "$child"
	pids=()
	for n in {1..12}; do
		raw "admin.vm.feature.Set+f$n" dom0 1 >/dev/null 3>&- &
		pids+=($!)
	done
	for i in {1..500}; do
		(($(grep -cF "$QVM_TEST_SOCKET" /proc/net/unix) >= 13)) && break
		_tick
	done
	kill -CONT "$child"
	wait "${pids[@]}"
	syncs=$(tail -n +$((before + 1)) "$BATS_TEST_TMPDIR/trace" | grep -c sync)
	((syncs >= 1 && syncs < 12)) || { cat "$BATS_TEST_TMPDIR/trace"; false; }
	run raw admin.vm.feature.List dom0
	assert_equal "$(grep -o 'f[0-9]*' <<<"$output" | wc -l)" 12
}

@test "a change that cannot be saved is refused, unmade, and nobody hears of it" {
	ulimit -S -f 200
	start_daemon empty
	ulimit -S -f unlimited
	events_start
	value=$(head -c 60000 /dev/zero | tr '\0' x)
	for n in 1 2 3 4 5; do
		run raw "admin.vm.feature.Set+f$n" dom0 "$value"
		[[ $output == '0\0' ]] || break
	done
	assert_output --regexp '^2\\0QubesException\\0\\0cannot save the change: .+\\0$'
	expect 0 "raw admin.vm.feature.Get+f$n dom0" \
		"2\\0QubesFeatureNotFoundError\\0\\0Feature not set for domain dom0: f$n\\0"$'\n'
	run cut -c-40 "$EVENTS_LOG"
	refute_output --partial "domain-feature-set:f$n "
	kill_daemon
	start_daemon empty
	expect 0 "raw admin.vm.feature.List dom0" "0\\0$(for ((i = 1; i < n; i++)); do printf 'f%d\\n' $i; done)"$'\n'
}

@test "a second daemon on the same state is refused; what a killed one left is replaced" {
	start_daemon empty
	expect 1 'qvmd --state "$QVMD_STATE" --foreground' '' \
		"qvmd: error: '$QVMD_STATE' is in use by another qvmd (process $QVMD_PID)"$'\n'
	expect 1 'qvmd --state "$QVMD_STATE"' '' \
		"qvmd: error: '$QVMD_STATE' is in use by another qvmd (process $QVMD_PID)"$'\n'
	# another state, the same socket
	expect 1 'qvmd --state "$QVMD_STATE.2" --socket "$QVM_TEST_SOCKET"' '' \
		"qvmd: error: cannot listen at '$QVM_TEST_SOCKET': Address already in use"$'\n'
	run raw admin.deviceclass.List dom0
	assert_output '0\0block\nmic\npci\nusb\n'
	kill_daemon
	assert [ -S "$QVM_TEST_SOCKET" ]
	expect 0 'qvmd --state "$QVMD_STATE" --socket "$QVM_TEST_SOCKET"' '' ''
	_remember "$(<"$QVMD_STATE/lock")"
	run raw admin.deviceclass.List dom0
	assert_output '0\0block\nmic\npci\nusb\n'
}

@test "in the background: ready when it returns, private, ended by SIGTERM" {
	cd "$BATS_TEST_TMPDIR"
	expect 0 'qvmd --state state --fixture empty' '' ''
	pid=$(<state/lock)
	_remember "$pid"
	QVM_TEST_SOCKET=$PWD/state/qubesd.sock
	run raw admin.deviceclass.List dom0
	assert_output '0\0block\nmic\npci\nusb\n'
	assert_equal "$(stat -c '%a %F' state state/qubesd.sock state/qvmd.sqlite)" \
		$'700 directory\n660 socket\n600 regular file'
	assert_equal "$(readlink "/proc/$pid/cwd") $(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | uniq)" \
		'/ /dev/null'
	raw admin.vm.feature.Set+a dom0 1 >/dev/null
	kill "$pid"
	await_end "$pid"
	assert [ ! -e state/qubesd.sock ]
	assert [ ! -e state/qvmd.sqlite-wal ]
	expect 0 'qvmd --state state' '' ''
	_remember "$(<state/lock)"
	run raw admin.vm.feature.Get+a dom0
	assert_output '0\01'
}

@test "SIGTERM and SIGINT end it with status 0, with subscribers and requests under way" {
	for signal in TERM INT; do
		QVMD_STATE=$BATS_TEST_TMPDIR/$signal
		start_daemon default --stop-delay 3600000
		events_start
		raw admin.vm.Shutdown+wait+force sys-usb >"$BATS_TEST_TMPDIR/reply" 3>&- &
		caller=$!
		_await_event 'sys-usb domain-pre-shutdown force=True'
		kill -"$signal" "$QVMD_PID"
		run wait "$QVMD_PID"
		status=0
		wait "$QVMD_PID" || status=$?
		assert_equal "$signal $status" "$signal 0"
		wait $caller || :
		assert_equal "$(<"$QVMD_STATE.err")" ''
		assert [ ! -e "$QVM_TEST_SOCKET" ]
	done
}

@test "--parent-fd: it ends when the pipe does" {
	cd "$BATS_TEST_TMPDIR"
	mkfifo pipe
	qvmd --state state --fixture empty --foreground --parent-fd 9 9<pipe >out 2>&1 3>&- &
	pid=$!
	_remember $pid
	exec {writer}>pipe
	"$TESTBIN/rawcall" -w $pid "$PWD/state/qubesd.sock" {writer}>&-
	exec {writer}>&-
	wait $pid
	assert_equal "$(<out)" ''
	assert [ ! -e state/qubesd.sock ]
}

@test "start-up that fails says why" {
	cd "$BATS_TEST_TMPDIR"
	mkdir newer && (cd newer && qvmd --state . --foreground --fixture nosuch) 2>/dev/null && false
	expect 0 'qvmd --state newer --fixture empty && kill $(cat newer/lock)' '' ''
	await_end "$(<newer/lock)"
	# the schema version: four bytes at 60
	known=$(od -An -tu1 -j63 -N1 newer/qvmd.sqlite)
	printf '\0\0\0\143' | dd of=newer/qvmd.sqlite bs=1 seek=60 conv=notrunc status=none
	mkdir foreign && head -c 8192 /dev/urandom >foreign/qvmd.sqlite
	: >file
	long=$(printf 'x%.0s' {1..120})
	while IFS='|' read -r options status want; do
		for mode in --foreground ''; do
			expect "$status" "qvmd $options $mode" '' "$want"$'\n'
		done
	done <<-END
		--state file/x|1|qvmd: error: cannot make directory 'file/x': Not a directory
		--state newer|1|qvmd: error: '$PWD/newer/qvmd.sqlite' was written by a newer qvmd: it has schema version 99, this one knows ${known// /}
		--state foreign|1|qvmd: error: cannot use '$PWD/foreign/qvmd.sqlite': file is not a database
		--state s1 --socket $long|1|qvmd: error: cannot listen at '$PWD/$long': File name too long
		--state s2 --log file/log|1|qvmd: error: cannot open 'file/log': Not a directory
		|2|qvmd: error: the following arguments are required: --state
		--state s3 x|2|qvmd: error: unrecognized arguments: x
		--state s3 --compat 5|2|qvmd: error: argument --compat: invalid choice: '5' (choose from next, 4.2, 4.3)
		--state s3 --start-delay 1x|2|qvmd: error: argument --start-delay: invalid number: '1x'
		--state s3 --stop-delay -1|2|qvmd: error: argument --stop-delay: invalid number: '-1'
		--state s3 --max-connections 0|2|qvmd: error: argument --max-connections: invalid number: '0'
		--state s3 --parent-fd 99|2|qvmd: error: argument --parent-fd: no such descriptor: 99
	END
	assert [ ! -e s3 ]
	run --separate-stderr qvmd --version
	assert_output --regexp '^qvmd [0-9.]+$'
	run --separate-stderr qvmd --help
	assert_output --partial 'usage: qvmd --state DIR'
}
