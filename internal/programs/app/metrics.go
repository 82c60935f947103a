package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// workerMetrics are gauges about money: no names, no addresses, no ids.
type workerMetrics struct {
	tip        prometheus.Gauge
	difference prometheus.Gauge
	accepted   prometheus.Gauge
	breakers   *prometheus.GaugeVec
	accounts   *prometheus.GaugeVec
}

func newWorkerMetrics(r prometheus.Registerer) *workerMetrics {
	m := &workerMetrics{
		tip: prometheus.NewGauge(
			prometheus.GaugeOpts{
				Name: "causeway_tip_height",
				Help: "Height of the synced tip: the newest block that the worker has read.",
			},
		),
		difference: prometheus.NewGauge(
			prometheus.GaugeOpts{
				Name: "causeway_ledger_minus_chain_sat",
				Help: "Ledger minus the treasury's confirmed coins; anything but 0 and what was accepted stops signing.",
			},
		),
		accepted: prometheus.NewGauge(
			prometheus.GaugeOpts{
				Name: "causeway_ledger_minus_chain_accepted_sat",
				Help: "The difference that two people have accepted.",
			},
		),
		breakers: prometheus.NewGaugeVec(
			prometheus.GaugeOpts{
				Name: "causeway_breakers_open",
				Help: "Surprises that stop signing: 1 while the breaker of this code is open.",
			},
			[]string{"code"},
		),
		accounts: prometheus.NewGaugeVec(
			prometheus.GaugeOpts{Name: "causeway_ledger_sat", Help: "Balance of each ledger account."},
			[]string{"account"},
		),
	}
	r.MustRegister(m.tip, m.difference, m.accepted, m.breakers, m.accounts)
	m.stopped(nil)
	return m
}

func (m *workerMetrics) observe(h payout.Holdings) {
	m.tip.Set(float64(h.Tip.Height))
	m.difference.Set(float64(-h.Difference()))
	m.accepted.Set(0)
	if h.Accepted != nil {
		m.accepted.Set(float64(-h.Accepted.Amount))
	}
	m.stopped(h.Breakers)
	for _, a := range ledger.Accounts() {
		m.accounts.WithLabelValues(string(a)).Set(float64(h.Balances[a]))
	}
}

// stopped says which breakers are open.
func (m *workerMetrics) stopped(open []payout.Breaker) {
	for _, code := range payout.BreakerCodes() {
		m.breakers.WithLabelValues(string(code)).Set(0)
	}
	for _, b := range open {
		m.breakers.WithLabelValues(string(b.Code)).Set(1)
	}
}
