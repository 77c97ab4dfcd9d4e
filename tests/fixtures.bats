# SPDX-License-Identifier: GPL-2.0-or-later
# Fixtures: what a new system holds, and what is said about a file that is wrong.

load lib/common


@test "empty: labels, two pools, dom0" {
	start_daemon empty
	expect 0 'raw admin.vm.List dom0 | sed s/uuid=[-0-9a-f]*/uuid=/' \
		$'0\\0dom0 class=AdminVM state=Running uuid=\\n\n'
	expect 0 'raw admin.label.List dom0' $'0\\0red\\norange\\nyellow\\ngreen\\ngray\\nblue\\npurple\\nblack\\n\n'
	expect 0 'raw admin.property.Get+default_pool_kernel dom0' $'0\\0default=False type=str linux-kernel\n'
	expect 0 'raw admin.property.Get+default_template dom0' $'0\\0default=True type=vm \n'
}

@test "default: the system after its first-boot setup" {
	start_daemon
	list=$(raw admin.vm.List dom0)
	list=$(sed -E 's/^0\\0//; s/ uuid=[-0-9a-f]{36}//g; s/\\n/\n/g' <<<"$list")
	assert_equal "$list" "dom0 class=AdminVM state=Running
debian-13-xfce class=TemplateVM state=Halted
default-dvm class=AppVM state=Halted
default-mgmt-dvm class=AppVM state=Halted
fedora-42-xfce class=TemplateVM state=Halted
personal class=AppVM state=Halted
sys-firewall class=AppVM state=Running
sys-net class=AppVM state=Running
sys-usb class=AppVM state=Running
untrusted class=AppVM state=Halted
vault class=AppVM state=Halted
work class=AppVM state=Halted"
	get() { raw "admin.$3property.Get+$2" "$1"; }
	while read -r qube prop want; do
		run get "$qube" "$prop" vm.
		assert_equal "$qube $prop $output" "$qube $prop 0\\0$want"
	done <<-'END'
		work netvm default=True type=vm sys-firewall
		work label default=False type=label blue
		work template default=False type=vm fedora-42-xfce
		sys-firewall netvm default=False type=vm sys-net
		sys-firewall memory default=False type=int 500
		sys-firewall xid default=True type=int 3
		sys-net virt_mode default=False type=str hvm
		sys-net provides_network default=False type=bool True
		sys-net xid default=True type=int 1
		sys-net stubdom_xid default=True type=int 2
		sys-usb autostart default=False type=bool True
		work xid default=True type=int -1
		default-dvm template_for_dispvms default=False type=bool True
		fedora-42-xfce kernel default=True type=str 6.12.47-1.fc41
	END
	while read -r prop want; do
		run get dom0 "$prop" ''
		assert_equal "$prop $output" "$prop 0\\0$want"
	done <<-'END'
		default_kernel default=False type=str 6.12.47-1.fc41
		default_pool default=False type=str vm-pool
		default_template default=False type=vm fedora-42-xfce
		default_netvm default=False type=vm sys-firewall
		updatevm default=False type=vm sys-firewall
		clockvm default=False type=vm sys-net
		default_dispvm default=False type=vm default-dvm
		management_dispvm default=False type=vm default-mgmt-dvm
	END
	expect 0 'raw admin.vm.property.Get+netvm vault' $'0\\0default=False type=vm \n'
	expect 0 'raw admin.vm.tag.List work' $'0\\0audiovm-dom0\\ncreated-by-dom0\\nguivm-dom0\\n\n'
	expect 0 'raw admin.vm.tag.List dom0' $'0\\0\n'
	expect 0 'raw admin.vm.feature.Get+service.qubes-update-check sys-net' $'0\\0\n'
	expect 0 'raw admin.vm.feature.Get+os-version fedora-42-xfce' $'0\\042\n'
	run raw admin.vm.property.Get+start_time sys-usb
	assert_output --regexp '^0\\0default=True type=str [0-9]+\.[0-9]+$'
}

@test "44, 200, 10000 and hostile load and have what their names say" {
	for f in 44 200 10000; do
		QVMD_STATE='' start_daemon "$f"
		n=$(raw admin.vm.List dom0 | sed 's/\\n/\n/g' | grep -c ' class=')
		assert_equal "$f: $n" "$f: $f"
		stop_daemon
		rm -rf "$QVMD_STATE"
	done
	QVMD_STATE='' start_daemon hostile
	expect 0 'raw admin.vm.feature.Get+only-blanks shell' $'0\\0   \n'
	expect 0 'raw admin.vm.feature.Get+zero shell' $'0\\00\n'
	expect 0 'raw admin.vm.property.Get+label b---' $'0\\0default=False type=label -rf\n'
	expect 0 'raw admin.label.Index+--help dom0' $'0\\010\n'
	expect 0 'raw admin.vm.property.Get+relayvm remote' $'0\\0default=False type=vm shell\n'
	run raw admin.vm.notes.Get terminal
	assert_output --partial 'red \x1b[31m, title \x1b]0;pwned\x07, back\x08\x08'
}

@test "repeat, base and lists in turn" {
	cat >"$BATS_TEST_TMPDIR/base.yaml" <<-'END'
		labels: {pink: "0xff00ff"}
		kernels: [1.0]
		qubes:
		  - {name: tpl, class: TemplateVM, label: black}
		  - {name: dom0, label: pink, properties: {keyboard_layout: de++}, features: {config: "{n}"}}
		globals: {default_template: tpl, default_kernel: 1.0}
	END
	cat >"$BATS_TEST_TMPDIR/f.yaml" <<-END
		base: $BATS_TEST_TMPDIR/base.yaml
		qubes:
		  - name: "a{n:3}-{n}"
		    repeat: 3
		    label: [pink, red]
		    state: [Running, Halted]
		    features: {k: "v{n}"}
		    tags: ["t{n}"]
		    notes: "n {n} {x} {n"
	END
	start_daemon "$BATS_TEST_TMPDIR/f.yaml"
	list=$(raw admin.vm.List dom0 | sed -E 's/ uuid=[-0-9a-f]{36}//g')
	assert_equal "$list" '0\0dom0 class=AdminVM state=Running\na001-1 class=AppVM state=Running\na002-2 class=AppVM state=Halted\na003-3 class=AppVM state=Running\ntpl class=TemplateVM state=Halted\n'
	expect 0 'for i in 1 2 3; do raw admin.vm.property.Get+label a00$i-$i; done' \
		$'0\\0default=False type=label pink\n0\\0default=False type=label red\n0\\0default=False type=label pink\n'
	expect 0 'raw admin.vm.feature.Get+k a002-2' $'0\\0v2\n'
	expect 0 'raw admin.vm.feature.Get+config dom0' $'0\\0{n}\n'
	expect 0 'raw admin.vm.notes.Get a003-3' $'0\\0n 3 {x} {n\n'
	expect 0 'raw admin.vm.tag.List a002-2' $'0\\0audiovm-dom0\\ncreated-by-dom0\\nguivm-dom0\\nt2\\n\n'
	expect 0 'raw admin.vm.property.Get+keyboard_layout dom0' $'0\\0default=False type=str de++\n'
	expect 0 'raw admin.vm.property.Get+label dom0' $'0\\0default=False type=label pink\n'
}

@test "a system that is there is not seeded again" {
	start_daemon empty
	stop_daemon
	start_daemon default
	expect 0 'raw admin.vm.List dom0 | sed s/uuid=[-0-9a-f]*/uuid=/' \
		$'0\\0dom0 class=AdminVM state=Running uuid=\\n\n'
}

# What is wrong is said with its place: text behind "qvmd: error: FILE:".
wrong() {
	local f=$BATS_TEST_TMPDIR/f.yaml
	printf '%b' "$1" >"$f"
	expect 1 "qvmd --foreground --state $BATS_TEST_TMPDIR/state --fixture $f" '' "qvmd: error: $f:$2"$'\n'
}

@test "errors have line, column and key" {
	wrong 'qubes: x\n' '1:8: qubes: a list is expected'
	wrong 'qubes:\n  - x\n' '2:5: qubes: keys and values are expected'
	wrong '[1]\n' '1:1: fixture: keys and values are expected'
	wrong 'qubs: []\n' '1:1: qubs: a fixture has no such key'
	wrong 'qubes:\n- {label: red}\n' '2:3: qubes: a qube needs a name'
	wrong 'qubes:\n- {name: a, colour: red}\n' '2:13: colour: a qube has no such key'
	wrong 'qubes:\n- {name: a}\n' '2:3: a: a template is needed, and the system has no default one'
	wrong 'qubes:\n- {name: a, class: TemplateVM, colour: red}\n' '2:32: colour: a qube has no such key'
	wrong 'qubes:\n- {name: 1a}\n' '2:3: 1a: VM name cannot start with hyphen, underscore, dot or numbers'
	wrong 'qubes:\n- {name: a, label: pink}\n' "2:20: label: there is no label 'pink'"
	wrong 'qubes:\n- {name: a, class: FooVM}\n' "2:20: class: 'FooVM' is not the class of a new qube"
	wrong 'qubes:\n- {name: a, class: AdminVM}\n' "2:20: class: 'AdminVM' is not the class of a new qube"
	wrong 'qubes:\n- &t {name: a, class: TemplateVM}\n- *t\n' '2:3: a: the qube exists already'
	wrong 'qubes:\n- {name: a, class: TemplateVM, properties: {foo: 1}}\n' '2:45: foo: TemplateVM has no such property to set'
	wrong 'qubes:\n- {name: a, class: TemplateVM, properties: {qid: 1}}\n' '2:45: qid: TemplateVM has no such property to set'
	wrong 'qubes:\n- {name: a, class: TemplateVM, properties: {memory: x}}\n' '2:53: memory: Failed to parse property value as int'
	wrong 'qubes:\n- {name: a, class: TemplateVM, properties: {debug: x}}\n' "2:52: debug: Invalid literal for boolean property: 'x'"
	wrong 'qubes:\n- {name: a, class: TemplateVM, netvm: b}\n' "2:39: netvm: Can't set netvm to non-existing qube b"
	wrong 'qubes:\n- {name: a, class: TemplateVM, netvm: b}\n- {name: b, class: TemplateVM}\n' '2:3: a: its netvm b does not provide network'
	wrong 'qubes:\n- {name: a, class: TemplateVM, features: {"b c": 1}}\n' '2:43: b c: feature name contains illegal characters'
	wrong 'qubes:\n- {name: a, class: TemplateVM, features: {b: "\\n"}}\n' '2:46: b: b value contains illegal characters'
	wrong 'qubes:\n- {name: a, class: TemplateVM, tags: [b c]}\n' '2:39: tags: disallowed characters'
	wrong 'qubes:\n- {name: a, class: TemplateVM, state: Asleep}\n' "2:39: state: there is no state 'Asleep'"
	wrong 'qubes:\n- {name: a, class: TemplateVM, pools: {root: x}}\n' "2:46: root: there is no pool 'x'"
	wrong 'qubes:\n- {name: a, class: TemplateVM, pools: {nix: x}}\n' '2:40: nix: there is no such volume'
	wrong 'qubes:\n- {name: a, class: TemplateVM, pools: {root: linux-kernel}}\n' \
		'2:39: pools: Storage pool linux-kernel holds nothing but kernels, and no volume root'
	wrong 'pools: [{name: p, driver: nix}]\n' "1:9: driver: there is no driver 'nix'"
	wrong 'qubes:\n- {name: dom0, volumes: {root: {size: 1}}}\n' '2:26: root: there is no such volume'
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {kernel: {size: 1}}}\n' '2:42: kernel: there is nothing to say of a kernel'
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {root: {x: 1}}}\n' '2:49: x: a volume has no such key'
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {root: {size: x}}}\n' "2:55: size: 'x' is not such a number"
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {root: {rw: x}}}\n' '2:53: rw: yes or no is expected'
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {root: {revisions: 2}}}\n' \
		'2:60: revisions: the volume does not keep so many'
	wrong 'qubes:\n- {name: a, class: TemplateVM, volumes: {root: {size: 1, data: 2}}}\n' \
		'2:64: data: the volume does not hold so much'
	wrong 'qubes:\n- {name: a, repeat: many}\n' '2:21: repeat: a number up to 10000 is expected'
	wrong 'qubes:\n- {name: dom0, class: AppVM}\n' '2:23: class: that of dom0 is fixed'
	wrong 'labels: {red: "0xff0000"}\n' '1:10: red: the label exists already'
	wrong 'labels: {pink: 16711680}\n' '1:16: pink: Label value must start with: 0x'
	wrong 'labels: {pink: a, pink: b}\n' '1:16: pink: Label value must have length of 8'
	wrong 'globals: {foo: 1}\n' '1:11: foo: there is no such property to set'
	wrong 'globals: {stats_interval: 1, stats_interval: 2}\n' '1:30: stats_interval: given twice'
	wrong 'pools: [{name: a}]\n' '1:9: pools: a pool needs name and driver'
	wrong 'pools: [{name: a b, driver: file}]\n' "1:9: name: 'a b' is not a name of a pool"
	wrong 'kernels: [a/b]\n' "1:11: kernels: 'a/b' is not a version of a kernel"
	wrong "base: $BATS_TEST_TMPDIR/f.yaml\n" '1:7: base: too many levels'
	wrong 'a: [\n' '2:1: did not find expected node content'
}

@test "a fixture that is not there" {
	expect 1 "qvmd --foreground --state $BATS_TEST_TMPDIR/s --fixture nosuch" '' \
		$'qvmd: error: there is no fixture \'nosuch\' (a path has a slash or ends in .yaml)\n'
	expect 1 "qvmd --foreground --state $BATS_TEST_TMPDIR/s --fixture /no/such" '' \
		$'qvmd: error: cannot read /no/such: No such file or directory\n'
	mkdir "$BATS_TEST_TMPDIR/own"
	echo 'labels: {pink: "0xff00ff"}' >"$BATS_TEST_TMPDIR/own/default.yaml"
	export QVM_FIXTURE_DIR=$BATS_TEST_TMPDIR/own
	start_daemon default
	expect 0 'raw admin.label.Get+pink dom0' $'0\\00xff00ff\n'
}

@test "fixtures and completion are found from where the program is" {
	p="$BATS_TEST_TMPDIR/else where"
	mkdir -p "$p/bin" "$p/share/qvm-tools/fixtures" "$p/share/bash-completion/completions"
	cp "$BIN/qvmd" "$BIN/qvm-lab" "$p/bin"
	echo 'labels: {pink: "0xff00ff"}' >"$p/share/qvm-tools/fixtures/default.yaml"
	echo 'echo completion is here' >"$p/share/bash-completion/completions/qvm-tools"
	expect 0 "'$p/bin/qvm-lab' --xenstored none --power null qubesd-query -e dom0 admin.label.Get dom0 pink | tail -c 8" 0xff00ff ''
	run bash -c "echo exit | HOME=$BATS_TEST_TMPDIR SHELL=/bin/bash '$p/bin/qvm-lab' 2>/dev/null"
	assert_line 'completion is here'
}
