package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// probers are those of the demo. Their country and network are made up; the
// network's numbers are those of RFC 5398, for documentation.
func probers() []endpoint.NewVantage {
	return []endpoint.NewVantage{
		{Name: "demo-1", Place: vantage.Outside, Country: "FI", ASN: 64496},
		{Name: "demo-2", Place: vantage.Outside, Country: "NL", ASN: 64497},
		{Name: "demo-in-1", Place: vantage.Inside, Country: "RU", ASN: 64498},
		{Name: "demo-in-2", Place: vantage.Inside, Country: "RU", ASN: 64499},
	}
}

// setPolicy checks each server every minute, so that a visitor sees something
// happen.
func setPolicy(ctx context.Context, owner string) error {
	_, err := app.Checks(ctx, owner, func(p *endpoint.Policy) {
		p.Slot, p.BackoffEvery = time.Minute, 5*time.Minute
		p.FullPermille = 500
	})
	return err
}

// startEcho runs the server that sees where proxies come out, and writes what the
// dashboard needs to know of checks.
func (w *World) startEcho(ctx context.Context) error {
	key := w.path("keys", "echo.key")
	if _, err := os.Stat(key); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(w.path("keys"), 0o700); err != nil {
			return fmt.Errorf("make keys folder: %w", err)
		}
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		if err := os.WriteFile(key, []byte(hex.EncodeToString(b[:])+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the echo server's key: %w", err)
		}
	}
	host := w.Devnet.World.Host(0, 2)
	port, err := proc.PortAt(ctx, host, 0, "the echo server")
	if err != nil {
		return err
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	if err := w.writeChecks(); err != nil {
		return err
	}
	w.echoURL = "http://" + addr
	w.echo, err = w.start("causeway", "echo", "--listen", addr, "--key-file", key)
	return err
}

// writeChecks writes canaries and a blocklist.
func (w *World) writeChecks() error {
	type canary struct {
		Spec   string `json:"spec"`
		Answer string `json:"answer"`
	}
	p := w.Devnet.Proxies
	text, err := json.Marshal([]canary{
		{Spec: p[1].URL(), Answer: "up"},
		{Spec: p[2].URLFor("nobody", "knows me"), Answer: "down"},
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.path("blocklists"), 0o700); err != nil {
		return fmt.Errorf("make blocklists folder: %w", err)
	}
	list := "# Made up for the demo; no state has listed these.\n" + w.sampleHost(
		1,
	) + "\n" + w.Devnet.World.Host(
		sampleNet+7,
		0,
	) + "/28\n"
	return errors.Join(
		os.WriteFile(w.path("canaries.json"), text, 0o600),
		os.WriteFile(w.path("blocklists", "demo.cidr"), []byte(list), 0o600),
	)
}

// checksArgs is what the dashboard is told of checks.
func (w *World) checksArgs() []string {
	if !w.cfg.Checks {
		return nil
	}
	return []string{
		"--telegram-file",
		w.Devnet.TelegramFile(),
		"--canary-file",
		w.path("canaries.json"),
		"--blocklist-dir",
		w.path("blocklists"),
		"--echo-url",
		w.echoURL,
		"--echo-key-file",
		w.path("keys", "echo.key"),
	}
}

// enrolProbers makes the probers that are not there yet. The dashboard must
// answer.
func (w *World) enrolProbers(ctx context.Context) error {
	if err := os.MkdirAll(w.path("probers"), 0o700); err != nil {
		return fmt.Errorf("make probers folder: %w", err)
	}
	by := identity.System("demo")
	_, known, err := w.Services.Endpoints.Fleet(ctx, by)
	if err != nil {
		return err
	}
	for _, n := range probers() {
		file := w.proberFile(n.Name)
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		// One that was made just before the demo was killed has a token that nobody knows.
		for slices.ContainsFunc(known, func(v endpoint.Vantage) bool { return v.Name == n.Name }) {
			n.Name += "-again"
		}
		_, token, err := w.Services.Endpoints.AddVantage(ctx, by, n)
		if err != nil {
			return err
		}
		if _, err := app.EnrolProber(ctx, app.ProberConfig{API: w.URL, State: file}, token); err != nil {
			return fmt.Errorf("enrol a prober: %w", err)
		}
	}
	return nil
}

func (w *World) proberFile(name string) string { return w.path("probers", name+".json") }

// StartProbers runs the probers, of which each checks what it is told to.
func (w *World) StartProbers() error {
	for _, n := range probers() {
		args := []string{"prober", "--api", w.URL, "--state", w.proberFile(n.Name), "--allow", "127.0.0.0/8"}
		if n.Place == vantage.Inside {
			args = append(args, "--exit", w.Devnet.Censor.URL())
		}
		p, err := w.start("causeway", args...)
		if err != nil {
			return err
		}
		w.probers = append(w.probers, p)
	}
	return nil
}

// hurryEvery is how often the demo looks for servers that are new.
const hurryEvery = 3 * time.Second

// hurry lets checks of new servers begin at once, where a real fund waits for a
// while so that nobody sees one follow the other.
func (w *World) hurry(ctx context.Context) {
	tick := time.NewTicker(hurryEvery)
	defer tick.Stop()
	for {
		if err := w.hurryNow(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.LogAttrs(
				ctx,
				slog.LevelWarn,
				"starting the first checks of new servers early failed",
				slog.Any("error", err),
			)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *World) hurryNow(ctx context.Context) error {
	return w.Devnet.Postgres.Exec(
		ctx,
		"causeway",
		"UPDATE endpoint SET checks_from = created_at WHERE checks_from > now()",
	)
}
