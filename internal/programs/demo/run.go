package demo

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Run brings the demo up, prints where to go, and keeps it going until ctx ends.
func Run(ctx context.Context, cfg Config, progress *cli.Progress, out io.Writer) (err error) {
	known, err := loadState(cfg.Dir)
	if err != nil {
		return err
	}
	if !known.Seeded {
		if known.Places, err = drawPlaces(ctx); err != nil {
			return err
		}
	}
	cfg.Checks, cfg.places, cfg.forget = true, known.Places, !known.Seeded
	progress.Step("start PostgreSQL, btcd, signer, worker and dashboard")
	w, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		progress.Step("stop everything")
		if stopErr := w.Stop(context.WithoutCancel(ctx)); err == nil {
			err = stopErr
		}
		progress.Done("")
	}()
	progress.Done(w.URL)
	people, receipt, err := w.prepare(ctx, progress, known)
	if err != nil {
		return err
	}
	if err := w.printLinks(out, people, receipt); err != nil {
		return err
	}
	if err := w.StartProbers(); err != nil {
		return err
	}
	return w.Run(ctx)
}

// prepare funds and seeds a fresh world and returns its staff, and the receipt code
// of a sample application.
func (w *World) prepare(
	ctx context.Context,
	progress *cli.Progress,
	known state,
) (people []Person, receipt string, err error) {
	if people, err = w.Staff(ctx); err != nil {
		return nil, "", err
	}
	if err := w.serveSamples(ctx); err != nil {
		return nil, "", err
	}
	if known.Seeded {
		return people, known.Receipt, nil
	}
	progress.Step("fund the treasury")
	if err := w.Fund(ctx, deposits...); err != nil {
		return nil, "", err
	}
	progress.Done("")
	progress.Step("write sixty sample applications")
	if receipt, err = w.Seed(ctx, people); err != nil {
		return nil, "", err
	}
	progress.Done("")
	progress.Step("pay two batches")
	if err := w.SeedBatches(ctx, person(people, identity.RoleTreasurer).Actor); err != nil {
		return nil, "", err
	}
	progress.Done("")
	return people, receipt, w.saveState(state{Seeded: true, Receipt: receipt, Places: w.cfg.places})
}

// deposits are what the treasury of a fresh demo gets.
var deposits = []btcutil.Amount{60_000_000, 45_000_000, 31_250_000, 20_000_000, 9_870_006}

func person(people []Person, role identity.Role) Person {
	for _, p := range people {
		if p.Role == role {
			return p
		}
	}
	return Person{}
}

func (w *World) printLinks(out io.Writer, people []Person, receipt string) error {
	var text strings.Builder
	text.WriteString("\nCauseway demo on simnet. The coins are worth nothing.\n\n")
	fmt.Fprintf(&text, "  %-22s %s\n", "operator, to apply", w.URL+"/apply")
	for i, p := range people {
		label := string(p.Role)
		if i > 0 && people[i-1].Role == p.Role {
			label = "second " + label
		}
		fmt.Fprintf(&text, "  %-22s %s\n", label+" ("+p.Name+")", p.Link)
	}
	text.WriteString("\nEach link signs in once; restart for new ones.\n")
	if receipt != "" {
		fmt.Fprintf(
			&text,
			"\nAn operator whose server is being checked sees it at %s/status with\n\n  %s\n",
			w.URL,
			receipt,
		)
	}
	text.WriteString("\nProxies to apply with. To prove control of one, add our credential as a line to its file:\n\n")
	for _, p := range w.Devnet.Proxies {
		fmt.Fprintf(&text, "  %s\n", p.URL())
		if file := p.Accounts(); file != "" {
			fmt.Fprintf(&text, "      %s\n", file)
		}
	}
	text.WriteString("\nA payout address of simnet to apply with:\n\n")
	params, err := w.Services.Fund.Params()
	if err != nil {
		return err
	}
	address, err := sampleAddress(int(clock.Real{}.Now().Unix()), params)
	if err != nil {
		return err
	}
	fmt.Fprintf(&text, "  %s\n", address)
	if w.cfg.BlockEvery > 0 {
		fmt.Fprintf(
			&text,
			"\nA block is mined every %s. Logs: %s. Ctrl-C stops everything; `make demo` goes on with the same data.\n",
			w.cfg.BlockEvery,
			w.path("causeway.log"),
		)
	}
	_, err = io.WriteString(out, text.String())
	return err
}
