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
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
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
	}
	var all error
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight} {
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
