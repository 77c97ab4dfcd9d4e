# SPDX-License-Identifier: GPL-2.0-or-later
# A system with volumes in pools of each kind, and what the tests of storage ask of it.
# shellcheck shell=bash

# lines METHOD+ARG DEST [PAYLOAD]: the body of an OK, as it is. What depends on the machine is a word in capitals.
lines() {
	local reply
	reply=$(raw "$@" </dev/null)
	[[ $reply == '0\0'* ]] || { echo "$reply" && return 0; }
	printf '%b' "${reply#0\\0}"
}
export -f lines

# A template with a file of 1 MiB, based on it an app qube that runs, one that does not, and a disposable; pools
# of each kind.
storage_fixture() {
	cat >"$(_dir)/storage.yaml" <<-'END'
		pools:
		  - {name: thin, driver: lvm_thin, config: {volume_group: vg, thin_pool: tp, revisions_to_keep: 2}}
		  - {name: links, driver: file-reflink, config: {dir_path: /mnt/links, revisions_to_keep: 3}}
		  - {name: plain, driver: file, config: {dir_path: /mnt/plain, ephemeral_volatile: "True"}}
		kernels: [6.1, 6.6]
		globals: {default_kernel: "6.6", default_pool: links, default_template: tpl, default_dispvm: dvm}
		qubes:
		  - {name: tpl, class: TemplateVM, label: black, volumes: {root: {data: 1048576}}}
		  - {name: on, template: tpl, state: Running}
		  - name: off
		    template: tpl
		    pools: {private: thin, volatile: plain}
		    volumes:
		      private: {size: 8388608, data: 65536, revisions: 2}
		      volatile: {size: 1000}
		  - {name: dvm, template: tpl, properties: {template_for_dispvms: true}}
		  - {name: disp, class: DispVM, template: dvm}
		  - {name: alone, class: StandaloneVM, pools: {root: plain, private: plain}}
		  - {name: far, class: RemoteVM}
	END
	start_daemon "$(_dir)/storage.yaml" "$@"
}

# files: all that lies below the root of dom0, sorted.
files() { (cd "$QVMD_STATE/dom0" && find . -type f | sort); }
# What removes them works beside the loop: waits until so many are left.
await_files() {
	local i
	for ((i = 0; i < 1000; i++)); do
		[[ $(files | wc -l) == "$1" ]] && return 0
		_tick
	done
	echo "not $1 files:" >&2
	files >&2
	return 1
}
# The file that holds the present content of a volume, or one of its revisions: the newest, or the N-th newest one.
# usage: file_of PATH-OF-VID [N]
file_of() {
	find "$QVMD_STATE/dom0" -path "*/$1.*.img" | sed 's/.*\.\([0-9]*\)\.img$/\1 &/' | sort -rn | cut -d' ' -f2 |
		sed -n "${2:-1}p"
}
# token VM VOLUME: of CloneFrom.
token() {
	local reply
	reply=$(raw "admin.vm.volume.CloneFrom+$2" "$1" </dev/null)
	[[ $reply == '0\0'* ]] && echo "${reply#0\\0}"
}
# clone VM:VOLUME VM:VOLUME: both calls.
clone() { raw "admin.vm.volume.CloneTo+${2#*:}" "${2%:*}" "$(token "${1%:*}" "${1#*:}")" </dev/null; }
export -f files await_files file_of token clone
