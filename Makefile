# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-tools: build, install, test. GNU make; no configure step.

VERSION := 0.1.0

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
PROGRAM_PREFIX ?=
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# Developer builds carry the sanitizers, release builds the hardening; each has a directory of its own.
ifeq ($(RELEASE),1)
O := build/release
CFLAGS ?= -O2 -g
MODE_CFLAGS := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
MODE_LDFLAGS := -pie -Wl,-z,relro -Wl,-z,now
else
O := build/dev
CFLAGS ?= -O1 -g
MODE_CFLAGS := -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_LDFLAGS := -fsanitize=address,undefined
endif
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wno-missing-field-initializers -Wno-unused-parameter -Wimplicit-fallthrough
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(MODE_CFLAGS) $(CFLAGS) -ffunction-sections -fdata-sections
ALL_CPPFLAGS = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DQVM_LIBDIR='"$(abspath .)"' -Icommon -Icmd $(CPPFLAGS)
ALL_LDFLAGS = $(MODE_LDFLAGS) -Wl,--as-needed -Wl,--gc-sections $(LDFLAGS)

# ---- what there is: a program is a file cmd/NAME.c or a directory cmd/NAME ----

COMMON_SRC := $(wildcard common/*/*.c)
COMMON_OBJ := $(COMMON_SRC:%.c=$(O)/%.o)
FILE_PROGS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
DIR_PROGS := $(filter-out agent,$(patsubst cmd/%/,%,$(sort $(dir $(wildcard cmd/*/*.c)))))
PROGS := $(FILE_PROGS) $(DIR_PROGS)
LAB := $(filter qvmd qvm-lab,$(PROGS))
TOOLS := $(filter-out $(LAB),$(PROGS))
AGENTS := $(patsubst cmd/agent/%.c,%,$(wildcard cmd/agent/*.c))

# Which library a program gets is found by the linker (--as-needed); all of them are offered.
LIBS := -lsmartcols -ljson-c -lbsd
LIBS_qvmd := -luv -lsqlite3 -lyaml

.PHONY: all
all: $(PROGS:%=$(O)/bin/%)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libcommon.a: $(COMMON_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FILE_PROGS:%=$(O)/bin/%): $(O)/bin/%: $(O)/cmd/%.o $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(O)/libcommon.a $(LIBS) $(LIBS_$*)

define dir_program
$(O)/bin/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard cmd/$(1)/*.c)) $(O)/libcommon.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $(O)/libcommon.a $$(LIBS) $$(LIBS_$(1))
endef
$(foreach p,$(DIR_PROGS),$(eval $(call dir_program,$(p))))

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build
