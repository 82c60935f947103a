package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
)

// workerMetrics are gauges about money: no names, no addresses, no ids.
type workerMetrics struct {
	tip        prometheus.Gauge
	difference prometheus.Gauge
	breakers   prometheus.Gauge
	accounts   *prometheus.GaugeVec
}

func newWorkerMetrics(r prometheus.Registerer) *workerMetrics {
	m := &workerMetrics{
		tip:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "causeway_tip_height", Help: "Height of the walked tip."}),
		difference: prometheus.NewGauge(prometheus.GaugeOpts{Name: "causeway_ledger_minus_chain_sat", Help: "Ledger minus the treasury's confirmed coins; anything but 0 stops signing."}),
		breakers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "causeway_breakers_open", Help: "Surprises that stop signing."}),
		accounts:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "causeway_ledger_sat", Help: "Balance of each ledger account."}, []string{"account"}),
	}
	r.MustRegister(m.tip, m.difference, m.breakers, m.accounts)
	return m
}

func (m *workerMetrics) observe(h payout.Holdings) {
	var coins int64
	for _, c := range h.Coins {
		coins += int64(c.Amount)
	}
	m.tip.Set(float64(h.Tip.Height))
	m.difference.Set(float64(int64(h.Balances.OnChain()) - coins))
	m.breakers.Set(float64(len(h.Breakers)))
	for _, a := range ledger.Accounts() {
		m.accounts.WithLabelValues(string(a)).Set(float64(h.Balances[a]))
	}
}
