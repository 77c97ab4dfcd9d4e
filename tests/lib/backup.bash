# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of backups share: a system of five qubes with data, profiles, and the emergency procedure.
# shellcheck shell=bash

# backup_fixture FILE: five qubes with data of their own, one of them runs; a sixth that nobody saves.
backup_fixture() {
	cat >"$1" <<-'END'
		globals: {default_template: tmpl}
		qubes:
		  - name: tmpl
		    class: TemplateVM
		    label: black
		    netvm: none
		    volumes:
		      root: {size: 1048576, data: 8192}
		      private: {size: 1048576, data: 4096}
		  - name: work
		    netvm: none
		    tags: [office, mine]
		    features: {menu-items: a b}
		    properties: {memory: 300}
		    notes: call them
		    volumes: {private: {size: 2097152, data: 262144}}
		  - name: vault
		    netvm: none
		    label: green
		    tags: [mine]
		    volumes: {private: {size: 1048577, data: 4096}}
		  - name: alone
		    class: StandaloneVM
		    netvm: none
		    volumes:
		      root: {size: 1048576, data: 4096}
		      private: {size: 1048576}
		  - name: running
		    netvm: none
		    state: Running
		    volumes: {private: {size: 1048576, data: 4096}}
		  - name: other
		    netvm: none
		    properties: {include_in_backups: False}
	END
}

# profile NAME [DIR], its text on stdin.
profile() { cat >"${2:-$QVMD_STATE/etc/backup}/$1.conf"; }

# make_hold: bin/hold, a filter that waits for go in $HOLD_DIR, and says in ./held that it does.
make_hold() {
	mkdir -p bin
	mkfifo held
	cat >bin/hold <<-'END'
		#!/bin/sh
		if [ ! -e "$HOLD_DIR/go" ]; then
			echo x >"$HOLD_DIR/held"
			while [ ! -e "$HOLD_DIR/go" ]; do sleep 0.02; done
		fi
		exec gzip "$@"
	END
	chmod +x bin/hold
}

# unlock MEMBER NAME OUT: one container, by the program scrypt. PASS and ID are set.
unlock() { printf '%s!%s!%s\n' "$ID" "$2" "$PASS" | scrypt dec -P "$1" "$3"; }

# emergency BACKUP DIR: the whole emergency procedure (backup-policy-clock 2.15), with nothing of ours, for backups
# whose files have less than a thousand chunks. PASS is set; FILTER is "gzip" or "cat".
emergency() {
	local member first name
	mkdir -p "$2/m" && tar -i -C "$2/m" -xf "$1" || return
	(
		cd "$2" || exit
		printf 'backup-header!%s\n' "$PASS" | scrypt dec -P m/backup-header.hmac header || exit
		cmp header m/backup-header || exit
		ID=$(sed -n 's/^backup-id=//p' header)
		while read -r first; do
			name=${first#m/} name=${name%.000.enc}
			for member in m/"$name".[0-9][0-9][0-9].enc; do
				member=${member#m/}
				unlock "m/$member" "${member%.enc}" chunk || exit
				cat chunk
			done >stream || exit
			if [[ $FILTER == cat ]]; then tar -xf stream; else $FILTER -dc <stream | tar -xf -; fi || exit
		done < <(find m -name '*.000.enc')
	)
}
