#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Features as the daemon serves them (admin-api 2.6, 6.4).

load lib/common
load lib/rows

setup() { start_daemon; }

@test "features: list, get, set, remove" {
	rows <<-'END'
	> admin.vm.feature.List work
	< 0\0
	> admin.vm.feature.Set+zz work 1
	< 0\0
	> admin.vm.feature.Set+a.b_c-9 work some text ~
	< 0\0
	> admin.vm.feature.Set+empty work
	< 0\0
	> admin.vm.feature.Set+zz work 0
	< 0\0
	> admin.vm.feature.List work
	< 0\0zz\na.b_c-9\nempty\n
	> admin.vm.feature.Get+zz work
	< 0\00
	> admin.vm.feature.Get+a.b_c-9 work
	< 0\0some text ~
	> admin.vm.feature.Get+empty work
	< 0\0
	> admin.vm.feature.Remove+zz work
	< 0\0
	> admin.vm.feature.Set+zz work again
	< 0\0
	> admin.vm.feature.List work
	< 0\0a.b_c-9\nempty\nzz\n
	> admin.vm.feature.Set+f dom0 x
	< 0\0
	> admin.vm.feature.List dom0
	< 0\0f\n
	END
}

@test "features: asking template, netvm and dom0" {
	rows <<-'END'
	> admin.vm.feature.Set+f dom0 of-dom0
	> admin.vm.feature.Set+f fedora-42-xfce of-template
	> admin.vm.feature.Set+n sys-net of-net
	> admin.vm.feature.CheckWithTemplate+f work
	< 0\0of-template
	> admin.vm.feature.CheckWithTemplate+os-version work
	< 0\042
	> admin.vm.feature.CheckWithTemplateAndAdminVM+f work
	< 0\0of-template
	> admin.vm.feature.CheckWithAdminVM+f work
	< 0\0of-dom0
	> admin.vm.feature.CheckWithNetvm+n work
	< 0\0of-net
	> admin.vm.feature.CheckWithNetvm+n vault
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain vault: n\0
	> admin.vm.feature.CheckWithTemplate+n work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: n\0
	> admin.vm.feature.CheckWithAdminVM+n work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: n\0
	> admin.vm.feature.CheckWithTemplateAndAdminVM+n work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: n\0
	> admin.vm.feature.Set+f work
	> admin.vm.feature.CheckWithTemplate+f work
	< 0\0
	> admin.vm.feature.CheckWithAdminVM+f work
	< 0\0
	> admin.vm.feature.CheckWithTemplateAndAdminVM+f work
	< 0\0
	> admin.vm.feature.Remove+f fedora-42-xfce
	> admin.vm.feature.Remove+f work
	> admin.vm.feature.CheckWithTemplateAndAdminVM+f work
	< 0\0of-dom0
	# a disposable asks its template's template
	> admin.vm.Create.DispVM+default-dvm dom0 name=d label=red
	> admin.vm.feature.CheckWithTemplate+os-version d
	< 0\042
	# dom0 has neither template nor netvm
	> admin.vm.feature.CheckWithTemplate+f dom0
	< 0\0of-dom0
	> admin.vm.feature.CheckWithNetvm+f dom0
	< 0\0of-dom0
	END
}

@test "features: refusals" {
	rows <<-'END'
	> admin.vm.feature.List+x work
	< 0\0
	> admin.vm.feature.List work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.feature.Get work
	< 2\0ProtocolError\0\0expected an argument\0
	> admin.vm.feature.Set work x
	< 2\0ProtocolError\0\0expected an argument\0
	> admin.vm.feature.Get+x work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.feature.Get+nix work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: nix\0
	> admin.vm.feature.Remove+nix work
	< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: nix\0
	> admin.vm.feature.Get+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.CheckWithTemplate+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.CheckWithNetvm+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.CheckWithAdminVM+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.CheckWithTemplateAndAdminVM+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.Set+a:b work 1
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.Remove+a:b work
	< 2\0ProtocolError\0\0feature name contains illegal characters\0
	> admin.vm.feature.Set+f work a\nb
	< 2\0ProtocolError\0\0f value contains illegal characters\0
	> admin.vm.feature.Set+f work a\0b
	< 2\0ProtocolError\0\0f value contains illegal characters\0
	> admin.vm.feature.Set+f work a\x7f
	< 2\0ProtocolError\0\0f value contains illegal characters\0
	> admin.vm.feature.Set+f work \xc3\xa9
	< 2\0ProtocolError\0\0Feature value contains non-ASCII characters\0
	> admin.vm.feature.List work
	< 0\0
	END
	local f
	for f in preload-dispvm preload-dispvm-completed preload-dispvm-in-progress deferred-netvm-original; do
		rows <<-END
		> admin.vm.feature.Set+$f work x
		< 2\\0PermissionDenied\\0\\0changing this feature is prohibited by qubes.ext.admin.AdminExtension\\0
		> admin.vm.feature.Remove+$f work
		< 2\\0PermissionDenied\\0\\0changing this feature is prohibited by qubes.ext.admin.AdminExtension\\0
		END
	done
}

@test "features: services" {
	local n48=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee
	rows <<-END
	> admin.vm.feature.Set+service. work 1
	< 2\\0QubesValueError\\0\\0Service name cannot be empty\\0
	> admin.vm.feature.Set+service.. work 1
	< 2\\0QubesValueError\\0\\0Service name cannot be "." or ".."\\0
	> admin.vm.feature.Set+service... work 1
	< 2\\0QubesValueError\\0\\0Service name cannot be "." or ".."\\0
	> admin.vm.feature.Set+service.${n48}f work 1
	< 2\\0QubesValueError\\0\\0Service name must not exceed 48 bytes\\0
	> admin.vm.feature.List work
	< 0\\0
	> admin.vm.feature.Set+service.$n48 work 1
	< 0\\0
	> admin.vm.feature.Set+service.app-dispvm.$n48 work 1
	< 0\\0
	> admin.vm.feature.Set+service.cups work
	< 0\\0
	> admin.vm.feature.List work
	< 0\\0service.$n48\\nservice.app-dispvm.$n48\\nservice.cups\\n
	END
}

@test "features: vm-config and custom-persist fail after the value is set" {
	local n52=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeff
	rows <<-END
	> admin.vm.feature.Set+vm-config.$n52 work x
	< 0\\0
	> admin.vm.feature.Set+vm-config.${n52}g work x
	< 2\\0QubesValueError\\0\\0VM config name must not exceed 46 bytes\\0
	> admin.vm.feature.Set+vm-config. work x
	< 2\\0QubesValueError\\0\\0Empty config name not allowed\\0
	> admin.vm.feature.Set+vm-config.9x work x
	< 2\\0QubesValueError\\0\\0Config name must start with an ASCII letter\\0
	> admin.vm.feature.List work
	< 0\\0vm-config.$n52\\nvm-config.${n52}g\\nvm-config.\\nvm-config.9x\\n
	> admin.vm.feature.Set+custom-persist.${n52}gh vault /etc/x:y
	< 0\\0
	> admin.vm.feature.Set+custom-persist.f vault file:root:root:0644:/etc/x
	< 0\\0
	> admin.vm.feature.Set+custom-persist.d vault dir:user:user:755:/opt/a b
	< 0\\0
	> admin.vm.feature.Set+custom-persist. vault /x
	< 2\\0QubesValueError\\0\\0custom-persist key cannot be empty\\0
	> admin.vm.feature.Set+custom-persist.${n52}ghi vault /x
	< 2\\0QubesValueError\\0\\0custom-persist key is too long (max 54), ignoring: ${n52}ghi\\0
	> admin.vm.feature.Set+custom-persist.x vault etc
	< 2\\0QubesValueError\\0\\0invalid value format: 'etc'\\0
	> admin.vm.feature.Set+custom-persist.x vault file:root:root:0644:etc
	< 2\\0QubesValueError\\0\\0invalid value format: 'file:root:root:0644:etc'\\0
	> admin.vm.feature.Set+custom-persist.x vault link:root:root:0644:/etc
	< 2\\0QubesValueError\\0\\0invalid resource type option 'link' in value 'link:root:root:0644:/etc'\\0
	> admin.vm.feature.Set+custom-persist.x vault dir:root:root:0689:/etc
	< 2\\0QubesValueError\\0\\0invalid mode option '0689' in value 'dir:root:root:0689:/etc'\\0
	> admin.vm.feature.Get+custom-persist.x vault
	< 0\\0dir:root:root:0689:/etc
	END
}

@test "features: preloading" {
	rows <<-'END'
	> admin.vm.feature.Set+preload-dispvm-max default-dvm 1
	< 2\0QubesValueError\0\0Qube does not support the RPC(s) 'qubes.WaitForRunningSystem'\0
	> admin.vm.feature.Set+qrexec default-dvm
	> admin.vm.feature.Set+preload-dispvm-max default-dvm 1
	< 2\0QubesValueError\0\0Qube does not support qrexec\0
	> admin.vm.feature.Remove+qrexec default-dvm
	> admin.vm.feature.Set+preload-dispvm-max dom0 1
	< 2\0QubesValueError\0\0Qube does not support the RPC(s) 'qubes.WaitForRunningSystem'\0
	> admin.vm.feature.Set+supported-rpc.qubes.WaitForRunningSystem fedora-42-xfce 1
	> admin.vm.feature.Set+preload-dispvm-max default-dvm x
	< 2\0QubesValueError\0\0Invalid preload-dispvm-max value: not a digit\0
	> admin.vm.feature.Set+preload-dispvm-max default-dvm -1
	< 2\0QubesValueError\0\0Invalid preload-dispvm-max value: not a digit\0
	> admin.vm.feature.Set+preload-dispvm-max default-dvm 2
	< 0\0
	> admin.vm.feature.Set+preload-dispvm-max dom0 2
	< 0\0
	> admin.vm.feature.Set+preload-dispvm-threshold dom0 1.5
	< 2\0QubesValueError\0\0Invalid preload-dispvm-threshold value: not a digit\0
	> admin.vm.feature.Set+preload-dispvm-threshold dom0 15
	< 0\0
	> admin.vm.feature.Set+preload-dispvm-delay default-dvm soon
	< 2\0QubesValueError\0\0Invalid preload-dispvm-delay value: not an integer or float\0
	> admin.vm.feature.Set+preload-dispvm-delay default-dvm 1.5
	< 0\0
	> admin.vm.feature.List dom0
	< 0\0preload-dispvm-max\npreload-dispvm-threshold\n
	END
}

@test "features: events" {
	events_start
	rows <<-'END'
	> admin.vm.feature.Set+f work 1
	> admin.vm.feature.Set+f work
	> admin.vm.feature.Set+f work 2
	> admin.vm.feature.Remove+f work
	> admin.vm.feature.Set+service. work 1
	< 2\0QubesValueError\0\0Service name cannot be empty\0
	> admin.vm.feature.Set+vm-config.1 work 1
	< 2\0QubesValueError\0\0Config name must start with an ASCII letter\0
	END
	seen <<-'END'
	work domain-feature-pre-set:f feature=f value=1
	work domain-feature-set:f feature=f value=1
	work domain-feature-pre-set:f feature=f value= oldvalue=1
	work domain-feature-set:f feature=f value= oldvalue=1
	work domain-feature-pre-set:f feature=f value=2 oldvalue=
	work domain-feature-set:f feature=f value=2 oldvalue=
	work domain-feature-pre-delete:f feature=f
	work domain-feature-delete:f feature=f
	work domain-feature-pre-set:service. feature=service. value=1
	work domain-feature-pre-set:vm-config.1 feature=vm-config.1 value=1
	END
}

@test "features: service.meminfo-writer is maxmem" {
	rows <<-'END'
	> admin.vm.property.Set+maxmem work 4000
	END
	events_start
	rows <<-'END'
	> admin.vm.feature.Set+service.meminfo-writer work
	< 0\0
	> admin.vm.property.Get+maxmem work
	< 0\0default=False type=int 0
	> admin.vm.feature.List work
	< 0\0
	> admin.vm.property.Set+maxmem work 3000
	END
	seen <<-'END'
	work domain-feature-pre-set:service.meminfo-writer feature=service.meminfo-writer value=
	work property-pre-set:maxmem name=maxmem newvalue=0 oldvalue=4000
	work property-set:maxmem name=maxmem newvalue=0 oldvalue=4000
	work domain-feature-pre-delete:service.meminfo-writer feature=service.meminfo-writer
	work domain-feature-delete:service.meminfo-writer feature=service.meminfo-writer
	work domain-feature-set:service.meminfo-writer feature=service.meminfo-writer value=
	work property-pre-set:maxmem name=maxmem newvalue=3000 oldvalue=0
	work property-set:maxmem name=maxmem newvalue=3000 oldvalue=0
	END
	rows <<-'END'
	> admin.vm.feature.Set+service.meminfo-writer work 1
	< 0\0
	> admin.vm.feature.List work
	< 0\0
	END
	seen <<-'END'
	work domain-feature-pre-set:service.meminfo-writer feature=service.meminfo-writer value=1
	work property-pre-reset:maxmem name=maxmem oldvalue=3000
	work property-pre-del:maxmem name=maxmem oldvalue=3000
	work property-reset:maxmem name=maxmem oldvalue=3000
	work property-del:maxmem name=maxmem oldvalue=3000
	work domain-feature-pre-delete:service.meminfo-writer feature=service.meminfo-writer
	work domain-feature-delete:service.meminfo-writer feature=service.meminfo-writer
	work domain-feature-set:service.meminfo-writer feature=service.meminfo-writer value=1
	END
}

@test "features: they outlive the daemon, in their order" {
	rows <<-'END'
	> admin.vm.feature.Set+z work 1
	> admin.vm.feature.Set+a work
	> admin.vm.feature.Set+m work 3
	> admin.vm.feature.Set+z work 4
	> admin.vm.feature.Remove+m work
	END
	kill_daemon
	start_daemon
	rows <<-'END'
	> admin.vm.feature.List work
	< 0\0z\na\n
	> admin.vm.feature.Get+z work
	< 0\04
	> admin.vm.feature.Get+a work
	< 0\0
	END
}
