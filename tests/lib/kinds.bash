# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of keys: a system with one qube of each kind.
# shellcheck shell=bash

# kinds [FEATURES OF tmpl [FEATURES OF app]]: the fixture. qids are in this order: tmpl 1, net 2, fw 3, app 4, hvm 5...
kinds() {
	cat <<-END
		kernels: [6.12]
		globals: {default_kernel: 6.12, default_netvm: fw, default_template: tmpl}
		qubes:
		  - {name: tmpl, class: TemplateVM, label: black, netvm: none, features: {qrexec: 1${1:+, $1}}}
		  - {name: net, label: red, netvm: none, properties: {provides_network: true, virt_mode: hvm, maxmem: 0}}
		  - {name: fw, label: red, netvm: net, properties: {provides_network: true}}
		  - {name: app, label: red, features: {${2:-}}}
		  - {name: hvm, class: StandaloneVM, label: red, netvm: fw, properties: {virt_mode: hvm, kernel: "", debug: true}}
		  - {name: dvm, label: red, properties: {template_for_dispvms: true}}
		  - {name: off, label: red, netvm: none}
	END
}
