package server

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/causeway-fund/causeway/internal/clock"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refused  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, l *limits) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "causeway_http_requests_total",
			Help: "Requests answered, by route template.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "causeway_http_request_seconds",
			Help:    "Time to answer a request, by route template.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "causeway_http_requests_in_flight",
			Help: "Requests being answered.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "causeway_http_refused_total",
			Help: "Requests refused with 429, by whose limit it was (caller, client, everybody) and what for.",
		}, []string{"by", "class"}),
	}
	clients := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "causeway_limit_clients",
		Help: "Clients being counted now, at most 100000.",
	}, func() float64 { n, _ := l.size(); return float64(n) })
	callers := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "causeway_limit_callers",
		Help: "Sessions, tokens, receipts and probers being counted now, at most 100000.",
	}, func() float64 { _, n := l.size(); return float64(n) })
	var all error
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight, m.refused, clients, callers} {
		all = errors.Join(all, reg.Register(c))
	}
	return m, all
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// NewAdmin returns the handler of the private port: /metrics and the health
// routes. It is for an address that only the operator's monitoring reaches.
func NewAdmin(gatherer prometheus.Gatherer, checks []Check, c clock.Clock) http.Handler {
	ready := &readiness{checks: checks, clock: c}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.StdLogger = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{ErrorLog: nil})))
	e.GET("/livez", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", ready.writeReady)
	return e
}
