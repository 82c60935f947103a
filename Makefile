# Causeway. `make` alone lists the targets; `make demo` and `make test` are the two to know.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PROGRAMS := causeway causewayctl causeway-signer
# Built beside them and never installed.
DEMO := causeway-demo
NODE := github.com/btcsuite/btcd github.com/btcsuite/btcd/cmd/btcctl
TOOL := CGO_ENABLED=0 go tool -modfile=$(CURDIR)/internal/tools/go.mod
MODEL := github.com/causeway-fund/causeway/api/model
LINT := CGO_ENABLED=0 go tool -modfile=$(CURDIR)/internal/tools/lint/go.mod golangci-lint

# What a run of tests is made of. `check` adds the race detector and `sqlc vet`.
RACE ?=
TAGS ?=
# Tests against other people's servers run where those are; CI cannot do without.
SERVERS ?= $(if $(CI),required)
NOSKIP ?= $(if $(CI),-noskip)
PKG ?= ./...
# What `check` is made of, in this order.
STAGES := deps build lint verify reproducible test
STAGE ?= $(STAGES)
FUZZTIME ?= 10s
BENCH ?= .
COUNT ?= 6
BASELINE := internal/tools/benchreport/baseline.txt
NAME ?=
CHAOS_RUNS ?= 20
VERSION ?=
PROGRAM ?= causewayctl
ARGS ?= help
# Which tests the race detector watches: those of which PURE and MET say it, or all.
WATCH ?= met
# The build cache of the second folder of `reproducible`; empty for that of the first.
SECOND_CACHE ?=
# A run of everything in CI may take so long, from the first test to the last: enough for two slow
# cores. It is the only place where a time is set: no test asserts how fast anything is.
BUDGET ?= $(if $(CI),40m,0)
# Two runs at once, of those with the race detector and those without, have a package each at a time.
JOBS ?= $(if $(filter ./...-racemet,$(PKG)$(RACE)$(WATCH)),1,2)
# `check` has vetted everything when it comes to the tests; a debugger's tables would be linked 80 times.
VETTED ?=
TESTFLAGS ?= -shuffle=on -count=1 -p $(JOBS) -timeout 40m -ldflags=-w $(VETTED)
# Packages whose code and tests start no goroutine but by way of cores.Each: the race
# detector would take minutes there. What they give to cores.Each it sees in the tests of
# internal/signer/signer and in those of payout/payout that it watches (internal/pure_test.go
# holds both). The longest come first.
PURE := internal internal/bitcoin/fee internal/payout/plan internal/bitcoin/txbuild internal/payout/model \
	internal/fleet/endpoint internal/payout/certificate internal/edge/web/views internal/testkit/devnet/btcdnode \
	internal/trust/audit internal/bitcoin/wallet internal/bitcoin/wallet/oracle internal/bitcoin/spv internal/bitcoin/money \
	internal/payout/books internal/payout/books/payeecsv internal/payout/recovery internal/review/screen \
	internal/fleet/blocklist internal/fleet/netplace internal/fleet/probe/advice internal/fleet/probe/link \
	internal/fleet/uptime internal/fleet/vantage internal/ledger internal/prose internal/secretfile \
	internal/trust/ack internal/trust/decision internal/trust/charter internal/trust/sshsig internal/trust/webauthn internal/trust/webauthn/oracle \
	internal/trust/note internal/trust/halt internal/trust/history internal/testkit/keytest internal/edge/web/i18n internal/cli internal/errs migrations
# Packages of which some tests alone have goroutines of ours that meet: the detector watches
# those, and all tests run without it (internal/pure_test.go holds which it has to watch). The
# longest come first, so that none is left alone at the end.
MET := internal/payout/payout=^Test(Parallel|CancelRaces|TwoWorkers|OneLineOfLog|Quiet|WhatPeopleDoWakes|ABatchThatWaits|Reorg|CoinTable|Node|RunningWorker) \
	internal/review/grant=^Test(Parallel|OfRacingClaims|OneAddressHas|OneVotePerPerson|ReadersAtOnce|LeavesComeInTheOrder) \
	internal/store/postgres=^Test(Concurrent|Racing|Deadlock|Disabling|CeremonyIs|EveryOffer|LeaseIs|LinkOpens|OneReport|PasskeyIs|SecondLeader|TwoProbers|WaitingForTheLease|WhoeverLeads|TwoTrustees) \
	internal/edge/web=^Test(OneKey|PagesHear|Streams|ParallelGets|NobodyWaits) \
	internal/signer/signer=^Test(AHostHalt|APinIs|ASignerOnAFullDisk|ASnapshotPut|DiskFull|EveryAnswer|ForeignAcks|FullDisk|GarbageOnTheSocket|InfoSays|InitWith|KilledAt|ListenReplaces|ParallelCalls|SocketSigns|TheHostHalts|TheJournalComes|TheWorkerCannot|ThreeThousand) \
	internal/bitcoin/chain=^Test(AHungWebsocket|AWebsocketTo|BlocksAreRead|ReadsOutlive|WakeOutlives) \
	internal/programs/jobs=^Test(ARecheckIsOffered|ASlotIsPlanned|TwoSchedulers) \
	internal/auditor/chainaudit=^Test(NodeChangesItsBranch|NodesOwnCoinSet|PaymentDuring|RunStopsWhenTold) \
	cmd/causeway=^Test(RewrapIsKilled)
# The longest of those that the detector watches as a whole come first; and Chromium last, with
# nothing beside it, since a click that waits behind other tests runs out of its time.
SLOW := internal/programs/app
LAST := internal/edge/web/browser
# All others: those with tests, as go list knows them with the tags of this run.
OTHERS = $$(go list $${tags:+-tags=$$tags} -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... \
	| grep -v -E '^$(MODULE)/($(subst $() ,|,$(strip $(LAST) $(SLOW) $(PURE) $(foreach m,$(MET),$(firstword $(subst =, ,$m))))))$$' | paste -sd,)
MODULE := github.com/causeway-fund/causeway
TARGETS = -in "../..:$(PKG)"
ifeq ($(PKG)$(RACE)$(WATCH),./...-racemet)
TARGETS = $(MET:%=-met "../..:./%") -pure "../..:$(subst $() ,$(comma),$(strip $(PURE:%=./%)))" \
	-in "../..:./$(SLOW),$(OTHERS)" -alone "../..:./$(LAST)"
endif
comma := ,
# A run of everything also holds each promise of a page against the tests that prove it.
ifeq ($(PKG)$(findstring -run,$(TESTFLAGS)),./...)
PROMISES = -promises ../promises.json -module $(MODULE)
TIMES = -slowest -budget $(BUDGET)
# One PostgreSQL for all packages.
SHARED = go run ./internal/testkit/withpostgres
endif
TESTREPORT := go -C internal/tools run ./testreport

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)


.PHONY: build
build: ## Build causeway, causewayctl, causeway-signer, causeway-demo and the pinned btcd and btcctl into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ $(addprefix ./cmd/,$(PROGRAMS) $(DEMO)) $(NODE)

.PHONY: run
run: ## Run a program of this tree (PROGRAM=causeway ARGS="serve --help")
	@go run ./cmd/$(PROGRAM) $(ARGS)

.PHONY: demo
demo: build ## Run everything on this machine: http://localhost:8080 (Ctrl-C stops it, data stays in ./.causeway)
	@bin/causeway-demo

.PHONY: demo-reset
demo-reset: ## Forget the demo's data (CAUSEWAY_DEMO_DIR=../second for that of another one)
	@CGO_ENABLED=0 go run ./cmd/causeway-demo --reset

.PHONY: journey
journey: build ## Pay one application from receipt to six confirmations, headless, and check it on the chain
	@bin/causeway-demo --journey


.PHONY: deps
deps: ## Install what the tests need (Debian, as root), or name what is missing
	@RACE="$(RACE)" SERVERS="$(SERVERS)" internal/tools/prepare.sh

.PHONY: test
test: deps ## Run every test: unit, PostgreSQL, btcd, browser, others' servers (PKG=./internal/bitcoin/wallet/... for some)
	@tags="$$(internal/tools/servers.sh tags "$(TAGS)")"; \
	$(SHARED) $(TESTREPORT) $(TARGETS) -in . $(NOSKIP) $(PROMISES) $(TIMES) -- $(TESTFLAGS) $(RACE) $${tags:+-tags=$$tags}

.PHONY: test-race
test-race: ## The same under the race detector
	@$(MAKE) test RACE=-race

.PHONY: test-fast
test-fast: ## Run only the packages whose tests need no database, node or browser
	@go test -shuffle=on $$(go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... \
		| grep -v -E 'testkit/(pgtest|chaintest|devnet)|chromedp|/oracle' | cut -d' ' -f1)

.PHONY: nightly
nightly: ## Before a release: every test under the race detector, chaos and fuzzing at length, a build from nothing (hours)
	@SSHSIG_RUNS=10000 $(MAKE) test RACE=-race WATCH=all TAGS=sqlcvet NOSKIP=-noskip SERVERS=required TESTFLAGS="-shuffle=on -count=1 -p 2 -timeout 90m"
	@$(MAKE) chaos
	@$(MAKE) fuzz FUZZTIME=1m
	@cache=$$(mktemp -d); code=0; $(MAKE) reproducible SECOND_CACHE=$$cache || code=1; \
	GOCACHE=$$cache go clean -cache; rm -rf $$cache; exit $$code

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (default 10s; PKG for some packages)
	@internal/tools/fuzz.sh "$(FUZZTIME)" $(PKG)

.PHONY: chaos
chaos: deps ## Kill the real processes at every label, CHAOS_RUNS times each (default 20), and count what was paid
	@table=$$(mktemp); code=0; \
	CHAOS_RUNS=$(CHAOS_RUNS) CHAOS_TABLE=$$table go test ./internal/programs/app -run '^TestChaos$$' -count=1 -timeout 0 || code=1; \
	cat $$table; rm -f $$table; exit $$code

.PHONY: bench
bench: deps ## Run the benchmarks (BENCH=Sign PKG=./internal/signer/signer for some), and say which were left out
	@tags="$$(internal/tools/servers.sh tags "$(TAGS)")"; \
	go -C internal/tools run ./benchreport -in ../.. -bench '$(BENCH)' -tags "$$tags" $(PKG)

.PHONY: bench-compare
bench-compare: deps ## Hold the ratios of the benchmarks against those on record (BENCH, PKG for some; COUNT times each, default 6)
	@tags="$$(internal/tools/servers.sh tags "$(TAGS)")"; new=$$(mktemp); trap 'rm -f $$new' EXIT; \
	go -C internal/tools run ./benchreport -in ../.. -bench '$(BENCH)' -tags "$$tags" -count $(COUNT) -ratios $$new $(PKG); \
	$(TOOL) benchstat before=$(BASELINE) now=$$new

.PHONY: bench-baseline
bench-baseline: deps ## Write the ratios on record again, all of them, on a quiet machine
	@tags="$$(internal/tools/servers.sh tags "$(TAGS)")"; \
	go -C internal/tools run ./benchreport -in ../.. -bench '$(BENCH)' -tags "$$tags" -count $(COUNT) -ratios $(CURDIR)/$(BASELINE) $(PKG)

.PHONY: cover
cover: deps ## Hold what tests cover of the packages that handle money against its floors (internal/tools/coverage.txt)
	@internal/tools/cover.sh


.PHONY: mutate
mutate: ## Take rules out of the code, one at a time, and see that a test notices; MUTANT=name for some
	cd internal/tools && go run ./mutate -only "$(MUTANT)" ../..

.PHONY: generate
generate: ## Regenerate SQL code, API server and client, pages
	$(TOOL) sqlc generate
	cd internal/tools && CGO_ENABLED=0 go run ./openapibundle ../../api/spec/openapi.yaml ../../api/openapi.yaml ../../api/.generate.yaml
	cd api && $(TOOL) oapi-codegen -config oapi-codegen.model.yaml .generate.yaml
	cd internal/tools && for of in api:../edge/api client:../../api/client; do \
		CGO_ENABLED=0 go run ./modelalias ../../api/model/model.gen.go $(MODEL) $${of%%:*} $${of#*:}/model.gen.go || exit 1; \
	done
	cd api && $(TOOL) oapi-codegen -config oapi-codegen.server.yaml .generate.yaml
	cd api && $(TOOL) oapi-codegen -config oapi-codegen.client.yaml .generate.yaml
	rm api/.generate.yaml
	@for dir in $$(git ls-files -co --exclude-standard '*.templ' | xargs -r -n1 dirname | sort -u); do \
		echo "templ generate in $$dir"; \
		(cd $$dir && $(TOOL) templ generate -log-level error) || exit 1; \
	done

.PHONY: verify
verify: ## Prove that generated code and go.mod are fresh
	@internal/tools/verify.sh

.PHONY: lint
lint: ## Lint, and find code that nothing reaches
	$(LINT) run --allow-serial-runners ./...
	cd internal/tools && $(LINT) run --allow-serial-runners ./...
	@$(LINT) fmt -c internal/tools/lint/golines.yml --diff ./...
	@internal/tools/deadcode.sh
	cd internal/tools && go run ./errcodes ../..

.PHONY: fmt
fmt: ## Format Go and templ files
	$(LINT) fmt -c internal/tools/lint/golines.yml ./...
	$(LINT) fmt ./...
	$(TOOL) templ fmt -log-level error internal/edge/web

.PHONY: check
check: ## What CI runs, or some of it: STAGE="deps build lint verify reproducible test"
	@# Without folders in what is compiled, a clone finds in Go's cache what another one compiled.
	@export GOFLAGS="$$(go env GOFLAGS) -trimpath"; \
	if [[ -z "$(strip $(STAGE))" ]]; then echo "STAGE is empty: it takes some of $(STAGES)" >&2; exit 2; fi; \
	vetted=; \
	for stage in $(STAGE); do \
		case "$$stage" in \
		deps) $(MAKE) deps RACE=-race SERVERS=required ;; \
		build | verify | reproducible) $(MAKE) "$$stage" ;; \
		lint) $(MAKE) lint && vetted=-vet=off ;; \
		test) $(MAKE) test RACE=-race TAGS=sqlcvet NOSKIP=-noskip SERVERS=required VETTED=$$vetted ;; \
		*) echo "STAGE names no stage \"$$stage\": it takes some of $(STAGES)" >&2; exit 2 ;; \
		esac || exit; \
	done

.PHONY: reproducible
reproducible: ## Build the programs in two folders and compare them byte for byte
	@go -C internal/tools run ./release -compare -in ../.. -cache "$(SECOND_CACHE)" $(PROGRAMS)

.PHONY: release
release: ## Build what is given to people into dist/ (VERSION=v1.2.3): archives, SBOMs, SHA256SUMS
	@go -C internal/tools run ./release -version "$(VERSION)" -in ../.. -out ../../dist $(PROGRAMS)

.PHONY: migration
migration: ## Add an empty migration (NAME=grant_notes)
	@internal/tools/migration.sh "$(NAME)"

.PHONY: hooks
hooks: ## Look at the Go files of each commit before it is made (gofmt, vet)
	git config core.hooksPath .githooks

.PHONY: bare
bare: ## Follow deploy/README.md on a bare Debian of its own (root, debootstrap, network; ten minutes)
	@internal/tools/bare.sh

.PHONY: vuln
vuln: ## Look for known vulnerabilities that the code can reach (needs vuln.go.dev)
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

.PHONY: clean
clean: ## Remove built programs
	rm -rf bin dist cover.out
