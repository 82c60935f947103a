package app_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// quantile of sorted durations, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Seconds() * 1e3
}

// BenchmarkStart is the time from starting `causeway serve` until /readyz says that it
// is, and from starting `causeway worker` until it has the lease, on a database that is
// up. The peer is `causeway version`, which does nothing but start.
func BenchmarkStart(b *testing.B) {
	const rounds = 7
	r := newWorld(b, demo.Config{Poll: time.Second})
	var serve, worker, bare []time.Duration
	for b.Loop() {
		for range rounds {
			began := time.Now()
			r.must(exec.CommandContext(b.Context(), filepath.Join(programs, "causeway"), "version").Run())
			bare = append(bare, time.Since(began))
			serve = append(serve, r.startsIn(r.ServeArgs()))
			r.must(r.Worker().Stop(b.Context()))
			worker = append(worker, r.startsIn(r.WorkerArgs(r.WorkerAdmin)))
			r.must(r.StartWorker())
		}
	}
	for name, took := range map[string][]time.Duration{"serve": serve, "worker": worker, "bare": bare} {
		slices.Sort(took)
		b.ReportMetric(quantile(took, 0.5), "ms_"+name)
		b.ReportMetric(quantile(took, 1), "ms_"+name+"_worst")
	}
	b.ReportMetric(0, "ns/op")
}

// startsIn starts causeway on ports of its own, times it until it is ready, and stops it.
func (r *rig) startsIn(args []string) time.Duration {
	r.t.Helper()
	p, _, took := r.program(args)
	r.must(p.Stop(r.t.Context()))
	return took
}

// program starts causeway on ports of its own and waits until it is ready. url is where
// it listens, if it does.
func (r *rig) program(args []string) (p *proc.Process, url string, took time.Duration) {
	r.t.Helper()
	args = slices.Clone(args)
	ready := ""
	for i, arg := range args {
		if arg != "--listen" && arg != "--admin-listen" {
			continue
		}
		port, err := proc.Port(r.t.Context(), 0, "a benchmark")
		r.must(err)
		args[i+1] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if ready = "http://" + args[i+1] + "/readyz"; arg == "--listen" {
			url = "http://" + args[i+1]
		}
	}
	began := time.Now()
	p, err := proc.Start(proc.Spec{Path: filepath.Join(programs, "causeway"), Args: args, Env: []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}})
	r.must(err)
	r.t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			r.t.Errorf("end %s: %v", args[0], err)
		}
	})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for status := 0; status != http.StatusOK; status, _ = r.get(ready) {
		if time.Since(began) > time.Minute {
			r.t.Fatalf("%s is not ready after a minute", args[0])
		}
		<-tick.C
	}
	return p, url, time.Since(began)
}

// BenchmarkPages asks a running `causeway serve` for what strangers see, from eight
// clients on connections that stay open, beside a bare net/http server that sends the same
// bytes. x_bare is how many times its time ours is. MB are what the programs hold then.
func BenchmarkPages(b *testing.B) {
	const clients, calls = 8, 250 // of each client
	const unlimited = "1000000"
	r := newWorld(b, demo.Config{Poll: time.Second})
	serve, url, _ := r.program(append(r.ServeArgs(), "--limit-reading", unlimited, "--limit-client-reading", unlimited))
	for _, path := range []string{"/", "/apply", "/status", "/v1/fund", "/healthz"} {
		b.Run(strings.Trim(strings.ReplaceAll(path, "/", "_"), "_"), func(b *testing.B) {
			code, body := r.get(url + path)
			if code != http.StatusOK {
				b.Fatalf("%s answers %d", path, code)
			}
			peer := bareServer(b, []byte(body))
			var ours, theirs []time.Duration
			for b.Loop() {
				theirs = append(theirs, ask(b, peer, clients, calls)...)
				ours = append(ours, ask(b, url+path, clients, calls)...)
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			b.ReportMetric(quantile(ours, 0.5), "ms_p50")
			b.ReportMetric(quantile(ours, 0.95), "ms_p95")
			b.ReportMetric(quantile(ours, 0.5)/quantile(theirs, 0.5), "x_bare")
			b.ReportMetric(megabytes(b, serve.PID()), "MB_serve")
			b.ReportMetric(megabytes(b, r.Worker().PID()), "MB_worker")
			b.ReportMetric(megabytes(b, r.Signer().PID()), "MB_signer")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func bareServer(b *testing.B, body []byte) string {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed, which is an error to it
	}()
	b.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return "http://" + listener.Addr().String()
}

// ask returns how long each call took.
func ask(b *testing.B, url string, clients, calls int) []time.Duration {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	took := make([]time.Duration, clients*calls)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range calls {
				began := time.Now()
				if err := fetch(b, transport, url); err != nil {
					b.Error(err)
					return
				}
				took[c*calls+i] = time.Since(began)
			}
		})
	}
	all.Wait()
	return took
}

func fetch(b *testing.B, transport *http.Transport, url string) error {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", url, resp.StatusCode)
	}
	return nil
}

// megabytes is what a process holds in memory.
func megabytes(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := bytes.Cut(text, []byte("VmRSS:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		b.Fatalf("process %d does not say what it holds", pid)
	}
	kB, err := strconv.ParseFloat(string(fields[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kB / 1024
}
