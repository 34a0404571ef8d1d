# Tessera: build, test, run, install. Targets a user needs:
#   make            build/mcud build/mcu-worker build/mcuctl build/mcu-caller
#   make run        packages, build, appliance with a demonstration call
#   make test       packages, build, all tests
#   make install    DESTDIR= PREFIX=/usr/local
# For developers: make SAN=address,undefined; make check-tsan; make fuzz; make bench; make format
# See tests/README.md for the single test groups.

BUILD ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
CC ?= cc
OPT ?= -O2 -g
VERSION := 0.1.0

comma := ,
say = $(if $(V),,@echo '  $(1)  $@' && )
flavour := $(CC)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COV),-cov)
O := $(BUILD)/obj/$(flavour)
G := $(BUILD)/gen

# --- packages: one list per home folder (mcu/README.md) ---------------------------------------------

PKGS_base := glib-2.0 gio-2.0 gio-unix-2.0
PKGS_conf := yaml-0.1
PKGS_sip := sofia-sip-ua-glib
PKGS_http := libsoup-3.0 json-glib-1.0
PKGS_daemon := libsystemd
PKGS_net := libsrtp2 openssl
PKGS_audio := opus
PKGS_video := pangocairo yaml-0.1
PKGS_rec := libavcodec libavutil
PKGS_hw := libavcodec libavutil libswscale x264 openh264

PKGS_mcud := $(PKGS_base) $(PKGS_conf) $(PKGS_sip) $(PKGS_http) $(PKGS_daemon)
PKGS_worker := $(PKGS_base) $(PKGS_net) $(PKGS_audio) $(PKGS_video) $(PKGS_rec) $(PKGS_hw)
PKGS_ctl := $(PKGS_base) $(PKGS_http)
PKGS_caller := $(PKGS_worker) $(PKGS_sip) json-glib-1.0 libavformat libswresample
PKGS_all := $(sort $(PKGS_mcud) $(PKGS_worker) $(PKGS_caller))

# libyuv and spandsp ship without a usable .pc file in Debian 12
LIBS_worker = $(shell pkg-config --libs $(PKGS_worker)) -lyuv -lspandsp -lm
LIBS_mcud = $(shell pkg-config --libs $(PKGS_mcud)) -lm
LIBS_ctl = $(shell pkg-config --libs $(PKGS_ctl))
LIBS_all = $(shell pkg-config --libs $(PKGS_all)) -lyuv -lspandsp -lm

# --- flags ---------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wvla -Wno-missing-field-initializers
# gcc warns of an ignored result even where "(void)" says that it is meant; clang, built in
# `make test`, knows the difference and checks it
WARN += $(if $(findstring clang,$(CC)),,-Wno-unused-result)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS_all) 2>/dev/null)
# third-party headers are not ours to keep warning-free
PKG_CFLAGS := $(patsubst -I%,-isystem%,$(PKG_CFLAGS))
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	$(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) -Imcu -I. -I$(G) $(PKG_CFLAGS) \
	-DMCU_VERSION='"$(VERSION)"' -DMCU_SYSCONFDIR='"$(SYSCONFDIR)"' -D_GNU_SOURCE -DG_LOG_USE_STRUCTURED $(CFLAGS)
ALL_LDFLAGS = $(SANFLAGS) -pie -Wl,--as-needed -Wl,-z,relro,-z,now $(LDFLAGS)

# --- sources: one archive per folder -------------------------------------------------------------

FOLDERS := base ipc conf daemon sip http livekit ctl worker sdp net rtp audio video rec
src = $(filter-out mcu/$(1)/main.c,$(wildcard mcu/$(1)/*.c))
obj = $(patsubst %.c,$(O)/%.o,$(1))
lib = $(O)/lib$(1).a

HW_SRC := $(wildcard hw/*.c hw/soft/*.c hw/mock/*.c hw/vaapi/*.c)
TOOLS_SRC := $(wildcard tests/tools/*.c)
CALLER_SRC := $(filter-out tests/tools/caller/main.c,$(wildcard tests/tools/caller/*.c))

IPC_GEN := $(G)/ipc/worker-dbus


# what a test of a folder may link: the folder's layer and those below it (mcu/README.md)
NEED_base := base
NEED_conf := conf base
NEED_sdp := sdp base
NEED_rtp := rtp base
NEED_net := net base
NEED_hw := hw tools base
NEED_audio := audio rtp base
NEED_video := video hw tools base
NEED_rec := rec rtp hw tools base
NEED_worker := worker rec video audio rtp net sdp ipc hw base
NEED_caller := caller video audio rtp net sdp hw tools base
NEED_mcud := daemon sip http livekit conf ipc base
NEED_daemon := $(NEED_mcud)
NEED_sip := $(NEED_mcud)
NEED_http := http conf base
NEED_livekit := $(NEED_mcud)
NEED_ctl := ctl base
NEED_api := ctl http conf base
# test_rtp_jitter -> rtp -> the archives of NEED_rtp
layer_libs = $(foreach f,$(NEED_$(word 2,$(subst _, ,$(1)))),$(call lib,$(f)))
program_libs = $(foreach f,$(NEED_$(1)),$(call lib,$(f)))
LIBS_MCU_worker = $(call program_libs,worker)
LIBS_MCU_mcud = $(call program_libs,mcud)
LIBS_MCU_ctl = $(call program_libs,ctl)
LIBS_MCU_caller = $(call program_libs,caller)
group = -Wl,--start-group $(1) -Wl,--end-group

PROGRAMS := mcud mcu-worker mcuctl mcu-caller

.PHONY: all
all: $(PROGRAMS:%=$(BUILD)/%)

# relink when the flavour changed: binaries of all flavours share their place
$(BUILD)/.flavour: FORCE
	@mkdir -p $(BUILD)
	@echo '$(flavour)' | cmp -s - $@ || echo '$(flavour)' > $@
FORCE:

$(BUILD)/mcud: $(O)/mcu/daemon/main.o $(LIBS_MCU_mcud) $(BUILD)/.flavour
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(LIBS_MCU_mcud)) $(LIBS_mcud)
$(BUILD)/mcu-worker: $(O)/mcu/worker/main.o $(LIBS_MCU_worker) $(BUILD)/.flavour
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(LIBS_MCU_worker)) $(LIBS_worker)
$(BUILD)/mcuctl: $(O)/mcu/ctl/main.o $(LIBS_MCU_ctl) $(BUILD)/.flavour
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(LIBS_MCU_ctl)) $(LIBS_ctl)
$(BUILD)/mcu-caller: $(O)/tests/tools/caller/main.o $(LIBS_MCU_caller) $(BUILD)/.flavour
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(LIBS_MCU_caller)) $(LIBS_all)

define folder_rule
$(call lib,$(1)): $(call obj,$(call src,$(1))) $(if $(filter ipc,$(1)),$(O)/gen/worker-dbus.o)
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rule,$(f))))
$(call lib,hw): $(call obj,$(HW_SRC))
$(call lib,tools): $(call obj,$(TOOLS_SRC))
$(call lib,caller): $(call obj,$(CALLER_SRC))

$(O)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR)ar rcs $@ $^

$(O)/%.o: %.c | $(IPC_GEN).h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# what the compiler does not see: .incbin
$(O)/mcu/http/assets.o: mcu/http/openapi.json mcu/http/index.html

# generated code is not held to our warnings
$(O)/gen/worker-dbus.o: $(IPC_GEN).c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -w -MMD -MP -c -o $@ $<
$(IPC_GEN).c: $(IPC_GEN).h
$(IPC_GEN).h: mcu/ipc/worker.xml
	@mkdir -p $(@D)
	gdbus-codegen --interface-prefix org.tessera. --c-namespace McuDbus \
		--c-generate-autocleanup none --generate-c-code $(IPC_GEN) $<

# --- packages: what a fresh Debian 12 needs; nothing is done when all are there --------------------

BUILD_DEBS := build-essential pkg-config libglib2.0-dev libglib2.0-dev-bin libsofia-sip-ua-glib-dev \
	libsoup-3.0-dev libjson-glib-dev libyaml-dev libsystemd-dev libssl-dev libsrtp2-dev \
	libopus-dev libavcodec-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev \
	libyuv-dev libx264-dev libopenh264-dev libspandsp-dev libpango1.0-dev fonts-noto-core fonts-noto-cjk
TEST_DEBS := clang-14 libclang-rt-14-dev python3-pytest python3-numpy python3-yaml python3-requests \
	python3-websockets ffmpeg baresip-core baresip-ffmpeg sip-tester python3-imageio curl jq procps iproute2
RUN_DEBS := curl iproute2
.PHONY: packages test-packages
packages:
	tests/tools/need-debs $(BUILD_DEBS) $(RUN_DEBS)
test-packages:
	tests/tools/need-debs $(BUILD_DEBS) $(TEST_DEBS)

# --- run, test -------------------------------------------------------------------------------------

.PHONY: run test check-tsan
run: packages
	$(MAKE) all
	tests/tools/demo $(BUILD)
test: test-packages
	tests/run-all $(BUILD)
check-tsan:
	$(MAKE) BUILD=$(BUILD)/tsan SAN=thread all unit-threads
	MCU_SAN=1 MCU_BUILD=$(BUILD)/tsan tests/run-e2e -m threads

# --- unit tests: one binary per file, TAP; named test_FOLDER[_PART].c ------------------------------

.SECONDEXPANSION:
.SECONDARY:

UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
.PHONY: unit unit-build
unit-build: $(UNIT) $(BUILD)/tests/fake-worker
unit: unit-build
	tests/run-unit $(UNIT)
# those of folders where threads run
.PHONY: unit-threads
UNIT_THREADS := $(foreach f,base net audio video rec worker,$(filter $(BUILD)/tests/test_$(f)%,$(UNIT)))
unit-threads: $(UNIT_THREADS)
	tests/run-unit $(UNIT_THREADS)
$(BUILD)/tests/%: $(O)/tests/unit/%.o $$(call layer_libs,$$*) $(BUILD)/.flavour
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(filter %.a,$^)) $(LIBS_all)

# a worker without media, for tests of the daemon
$(BUILD)/tests/fake-worker: $(O)/tests/tools/fake-worker/main.o $(call lib,ipc) $(call lib,base) $(BUILD)/.flavour
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(filter %.a,$^)) $(LIBS_mcud)

# --- fuzz targets (fuzz_FOLDER_PART.c, corpus/FOLDER_PART/): libFuzzer with clang; replay of the corpus with any compiler ------------------

FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_TIME ?= 60
.PHONY: fuzz fuzz-replay fuzz-build
fuzz-replay: $(FUZZ:%=$(BUILD)/fuzz-replay/%)
	tests/run-fuzz-replay $^
$(BUILD)/fuzz-replay/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $$(call layer_libs,$$*) $(BUILD)/.flavour
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(call group,$(filter %.a,$^)) $(LIBS_all)
fuzz:
	$(MAKE) fuzz-build BUILD=$(BUILD)/fuzzing CC=clang-14 SAN=address,undefined CFLAGS=-fsanitize=fuzzer-no-link
	FUZZ_TIME=$(FUZZ_TIME) tests/run-fuzz $(BUILD)/fuzzing/fuzz
fuzz-build: $(FUZZ:%=$(BUILD)/fuzz/%)
$(BUILD)/fuzz/%: $(O)/tests/fuzz/%.o $$(call layer_libs,$$*) $(BUILD)/.flavour
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(call group,$(filter %.a,$^)) $(LIBS_all)

# --- install ---------------------------------------------------------------------------------------

UNITDIR ?= $(PREFIX)/lib/systemd/system
DATADIR ?= $(PREFIX)/share
.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(SYSCONFDIR)/tessera/layouts $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
		$(DESTDIR)$(DATADIR)/doc/tessera
	install -m 755 $(BUILD)/mcud $(BUILD)/mcuctl $(BUILD)/mcu-worker $(DESTDIR)$(PREFIX)/bin
	# a site's own configuration is never overwritten
	test -e $(DESTDIR)$(SYSCONFDIR)/tessera/mcu.yaml || \
		install -m 640 config/mcu.yaml $(DESTDIR)$(SYSCONFDIR)/tessera/mcu.yaml
	install -m 644 config/mcu.yaml $(DESTDIR)$(DATADIR)/doc/tessera/mcu.yaml
	install -m 644 config/layouts/*.yaml $(DESTDIR)$(SYSCONFDIR)/tessera/layouts
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
		-e 's|@DATADIR@|$(DATADIR)|g' systemd/mcud.service \
		> $(DESTDIR)$(UNITDIR)/mcud.service
	install -m 644 systemd/tessera.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/tessera.conf
	sed -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' systemd/tessera.tmpfiles.conf \
		> $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tessera.conf
	install -m 644 README.md LICENSE $(DESTDIR)$(DATADIR)/doc/tessera

# --- benches ---------------------------------------------------------------------------------------

BENCHES := $(patsubst benches/%.c,$(BUILD)/benches/%,$(wildcard benches/bench_*.c))
.PHONY: bench-build
bench-build: $(BENCHES)
$(BUILD)/benches/%: $(O)/benches/%.o $(LIBS_MCU_worker) $(LIBS_MCU_caller) $(BUILD)/.flavour
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< $(call group,$(filter %.a,$^)) $(LIBS_all)

.PHONY: format clean
format:
	clang-format-14 -i $(shell git ls-files '*.c' '*.h')
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
