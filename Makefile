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
LINT := CGO_ENABLED=0 go tool -modfile=$(CURDIR)/internal/tools/lint/go.mod golangci-lint

# What a run of tests is made of. `check` adds the race detector and `sqlc vet`.
RACE ?=
TAGS ?=
# Tests against other people's servers run where those are; CI cannot do without.
SERVERS ?= $(if $(CI),required)
NOSKIP ?= $(if $(CI),-noskip)
PKG ?= ./...
# What `check` is made of, in this order.
STAGES := deps build lint verify test
STAGE ?= $(STAGES)
FUZZTIME ?= 10s
BENCH ?= .
NAME ?=
CHAOS_RUNS ?= 20
TESTFLAGS ?= -shuffle=on -count=1 -p 2 -timeout 40m
# Packages whose code and tests start no goroutine but by way of cores.Each: the race
# detector would take minutes there. What they give to cores.Each it sees in the tests of
# internal/signer/signer and in those of payout/payout that it watches (internal/pure_test.go
# holds both).
PURE := bitcoin/fee bitcoin/spv bitcoin/txbuild bitcoin/wallet payout/books payout/model payout/plan review/screen trust/audit
# Packages of which some tests alone have goroutines of ours that meet: the detector watches
# those, and all tests run without it (internal/pure_test.go holds which it has to watch).
MET := payout/payout=^Test(Parallel|CancelRaces|TwoWorkers|OneLineOfLog|Quiet|WhatPeopleDoWakes|ABatchThatWaits|Reorg|CoinTable|Node|RunningWorker)
# The longest first, so that it is not left alone at the end; and Chromium last, since a click that
# waits behind the nodes and signers of programs/app runs out of its time.
SLOW := programs/app
LAST := edge/web/browser
TARGETS = -in "../..:$(PKG)"
ifeq ($(PKG)$(RACE),./...-race)
TARGETS = $(MET:%=-met "../..:./internal/%") -pure "../..:$(subst $() ,$(comma),$(PURE:%=./internal/%/...))" -in "../..:./internal/$(SLOW),$$(go list ./... | grep -v -E '/internal/($(subst $() ,|,$(LAST) $(PURE) $(foreach m,$(MET),$(firstword $(subst =, ,$m)))))($$|/)' | paste -sd,),./internal/$(LAST)"
endif
comma := ,
# A run of everything also holds each promise of a page against the tests that prove it.
ifeq ($(PKG)$(findstring -run,$(TESTFLAGS)),./...)
PROMISES = -promises ../promises.json -module github.com/causeway-fund/causeway
endif
TESTREPORT := go -C internal/tools run ./testreport

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)


.PHONY: build
build: ## Build causeway, causewayctl, causeway-signer, causeway-demo and the pinned btcd and btcctl into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ $(addprefix ./cmd/,$(PROGRAMS) $(DEMO)) $(NODE)

.PHONY: demo
demo: build ## Run everything on this machine: http://localhost:8080 (Ctrl-C stops it, data stays in ./.causeway)
	@bin/causeway-demo

.PHONY: demo-reset
demo-reset: ## Forget the demo's data
	@for file in $$(find -L .causeway -maxdepth 4 -name postmaster.pid 2>/dev/null); do \
		if kill -0 "$$(head -n 1 "$$file")" 2>/dev/null; then echo "the demo is running: stop it with Ctrl-C first" >&2; exit 1; fi; \
	done
	@place=$$(readlink .causeway/postgres || true); if [[ "$$place" == /var/tmp/causeway-* ]]; then rm -rf -- "$$place"; fi
	rm -rf .causeway

.PHONY: journey
journey: build ## Pay one application from receipt to six confirmations, headless, and check it on the chain
	@bin/causeway-demo --journey


.PHONY: deps
deps: ## Install what the tests need (Debian, as root), or name what is missing
	@RACE="$(RACE)" SERVERS="$(SERVERS)" internal/tools/prepare.sh

.PHONY: test
test: deps ## Run every test: unit, PostgreSQL, btcd, browser, others' servers (PKG=./internal/bitcoin/wallet/... for some)
	@tags="$$(internal/tools/servers.sh tags "$(TAGS)")"; \
	$(TESTREPORT) $(TARGETS) -in . $(NOSKIP) $(PROMISES) -- $(TESTFLAGS) $(RACE) $${tags:+-tags=$$tags}

.PHONY: test-race
test-race: ## The same under the race detector
	@$(MAKE) test RACE=-race

.PHONY: test-fast
test-fast: ## Run only the packages whose tests need no database, node or browser
	@go test -shuffle=on $$(go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... \
		| grep -v -E 'testkit/(pgtest|chaintest|devnet)|chromedp|wallet/oracle' | cut -d' ' -f1)

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


.PHONY: generate
generate: ## Regenerate SQL code, API server and client, pages
	$(TOOL) sqlc generate
	cd api && $(TOOL) oapi-codegen -config oapi-codegen.server.yaml openapi.yaml
	cd api && $(TOOL) oapi-codegen -config oapi-codegen.client.yaml openapi.yaml
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
	@internal/tools/deadcode.sh

.PHONY: fmt
fmt: ## Format Go and templ files
	$(LINT) fmt ./...
	$(TOOL) templ fmt -log-level error internal/edge/web

.PHONY: check
check: ## What CI runs, or some of it: STAGE="deps build lint verify test"
	@if [[ -z "$(strip $(STAGE))" ]]; then echo "STAGE is empty: it takes some of $(STAGES)" >&2; exit 2; fi; \
	for stage in $(STAGE); do \
		case "$$stage" in \
		deps) $(MAKE) deps RACE=-race SERVERS=required ;; \
		build | lint | verify) $(MAKE) "$$stage" ;; \
		test) $(MAKE) test RACE=-race TAGS=sqlcvet NOSKIP=-noskip SERVERS=required ;; \
		*) echo "STAGE names no stage \"$$stage\": it takes some of $(STAGES)" >&2; exit 2 ;; \
		esac || exit; \
	done

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
	rm -rf bin
