package btcdrpc

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/websocket"
)

func TestDecodeKeepsBtcdsAnswerApartFromNoise(t *testing.T) {
	t.Parallel()
	var answer *Error
	var n int

	if err := decode("m", []byte(`{"result":7,"error":null,"id":1}`), &n); err != nil || n != 7 {
		t.Errorf("result %d, %v, want 7", n, err)
	}
	err := decode("m", []byte(`{"result":null,"error":{"code":-26,"message":"dust"},"id":1}`), &n)
	if !errors.As(err, &answer) || answer.Code != -26 || answer.Message != "dust" {
		t.Errorf("got %v, want btcd's error -26", err)
	}
	for _, noise := range []string{"", "null garbage", `{"result":"seven"}`, "<html>"} {
		if err := decode("m", []byte(noise), &n); err == nil || errors.As(err, &answer) {
			t.Errorf("%q: got %v, want an error that is not btcd's", noise, err)
		}
	}
}

func pemOf(srv *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}

func TestRequestIsSentOnce(t *testing.T) {
	t.Parallel()
	calls := make(chan struct{}, 10)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls <- struct{}{}
		panic(http.ErrAbortHandler) // no answer
	}))
	t.Cleanup(srv.Close)
	c, err := New(Config{Host: srv.Listener.Addr().String(), User: "u", Pass: "p", CertPEM: pemOf(srv)})
	if err != nil {
		t.Fatal(err)
	}

	if err := c.Call(t.Context(), nil, "sendrawtransaction", "00"); err == nil {
		t.Error("no error for a lost reply")
	}

	if got := len(calls); got != 1 {
		t.Errorf("sent %d times, want once", got)
	}
}

// TestErrorsNameTheCall: of each way in which a call can fail, over HTTPS and over a websocket. What
// went wrong stays findable behind the name.
func TestErrorsNameTheCall(t *testing.T) {
	t.Parallel()
	answers := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	isSyntax := func(err error) bool { return errors.As(err, new(*json.SyntaxError)) }
	isType := func(err error) bool { return errors.As(err, new(*json.UnmarshalTypeError)) }
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		cause  func(error) bool
	}{
		"refused user":   {answers(http.StatusUnauthorized, ""), func(err error) bool { return errors.Is(err, ErrAuth) }},
		"too many":       {answers(http.StatusServiceUnavailable, ""), func(err error) bool { return errors.Is(err, ErrBusy) }},
		"no JSON":        {answers(http.StatusOK, "<html>"), isSyntax},
		"another type":   {answers(http.StatusOK, `{"result":"seven"}`), isType},
		"btcd's own no":  {answers(http.StatusOK, `{"error":{"code":-5,"message":"no"}}`), func(err error) bool { return errors.As(err, new(*Error)) }},
		"hangs up early": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, func(err error) bool { return errors.Is(err, io.EOF) }},
	} {
		srv := httptest.NewTLSServer(tc.answer)
		t.Cleanup(srv.Close)
		c, err := New(Config{Host: srv.Listener.Addr().String(), User: "u", Pass: "p", CertPEM: pemOf(srv)})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := c.Call(t.Context(), &n, "getblockcount"); err == nil || !strings.Contains(err.Error(), "getblockcount") || !tc.cause(err) {
			t.Errorf("%s: got %v, want the name of the call and its cause", name, err)
		}
	}
	conn := served(t, func(ws *websocket.Conn) { _, _ = receive(ws) }) // and hangs up
	err := conn.Call(t.Context(), nil, "getblockheader")
	if err == nil || !strings.Contains(err.Error(), "getblockheader") || !errors.Is(err, ErrBroken) {
		t.Errorf("websocket: got %v, want the name of the call and its cause", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"result":7,"error":null,"id":1}`))
	f.Add([]byte(`{"result":null,"error":{"code":-26,"message":"dust"},"id":1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var result json.RawMessage
		err := decode("m", b, &result)
		if err == nil && !json.Valid(b) {
			t.Error("took what is no JSON")
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"1.0","method":"blockconnected","params":["00",1,2],"id":null}`))
	f.Add([]byte(`{"result":null,"error":null,"id":1}`))
	f.Add([]byte(`{"result":null,"error":{"code":-32603,"message":"no"},"id":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(b)
		if err != nil {
			return
		}
		var result Hex
		err = reply{Result: m.Result, Error: m.Error}.decode("m", &result)
		var answer *Error
		if m.Error != nil && !errors.As(err, &answer) {
			t.Errorf("btcd's error became %v", err)
		}
		if err == nil && !strings.EqualFold(string(m.Result), `"`+hex.EncodeToString(result)+`"`) {
			t.Errorf("%s was read as %x", m.Result, result)
		}
	})
}

// served is a Conn to a server that deals with each websocket as serve does.
func served(t *testing.T, serve func(ws *websocket.Conn)) *Conn {
	t.Helper()
	srv := httptest.NewTLSServer(websocket.Handler(serve))
	t.Cleanup(srv.Close)
	c, err := New(Config{Host: srv.Listener.Addr().String(), User: "u", Pass: "p", CertPEM: pemOf(srv)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- conn.Serve(t.Context(), func() {}) }()
	t.Cleanup(func() {
		conn.Close()
		if err := <-ended; err == nil {
			t.Error("Serve ended without a reason")
		}
	})
	return conn
}

func receive(ws *websocket.Conn) (request, error) {
	var r request
	err := websocket.JSON.Receive(ws, &r)
	return r, err
}

// TestRepliesMayOvertakeEachOther answers calls in the wrong order, beside replies that
// nobody waits for.
func TestRepliesMayOvertakeEachOther(t *testing.T) {
	t.Parallel()
	const calls = 20
	conn := served(t, func(ws *websocket.Conn) {
		var asked []request
		for range calls {
			r, err := receive(ws)
			if err != nil {
				t.Errorf("receive: %v", err)
				return
			}
			asked = append(asked, r)
		}
		for _, r := range slices.Backward(asked) {
			for _, text := range []string{
				`{"result":null,"error":null,"id":9999}`,
				`{"jsonrpc":"1.0","method":"blockconnected","params":["00",1,2],"id":null}`,
				fmt.Sprintf(`{"result":%v,"error":null,"id":%d}`, r.Params[0], r.ID),
			} {
				if err := websocket.Message.Send(ws, text); err != nil {
					t.Errorf("send: %v", err)
				}
			}
		}
		_, _ = receive(ws) // until the other side ends it
	})
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			var got int
			if err := conn.Call(t.Context(), &got, "getblockhash", i); err != nil || got != i {
				t.Errorf("asked for %d, got %d, %v", i, got, err)
			}
		})
	}
	all.Wait()
}

// TestALostReplyIsNotAskedForAgain ends the websocket with calls under way: they were
// sent once, and the errors say that the websocket broke.
func TestALostReplyIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	const calls = 5
	var asked atomic.Int32
	conn := served(t, func(ws *websocket.Conn) {
		for range calls {
			if _, err := receive(ws); err == nil {
				asked.Add(1)
			}
		}
	})
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if err := conn.Call(t.Context(), nil, "getbestblock"); !errors.Is(err, ErrBroken) {
				t.Errorf("got %v, want ErrBroken", err)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != calls {
		t.Errorf("%d requests came, want %d", n, calls)
	}
	if err := conn.Call(t.Context(), nil, "getbestblock"); !errors.Is(err, ErrBroken) {
		t.Errorf("afterwards: got %v, want ErrBroken", err)
	}
}

// TestOnlyReadsGoOverAWebsocket: of what changes something nobody would know whether it
// was done.
func TestOnlyReadsGoOverAWebsocket(t *testing.T) {
	t.Parallel()
	conn := served(t, func(ws *websocket.Conn) {
		if r, err := receive(ws); err == nil {
			t.Errorf("%s was sent", r.Method)
		}
	})
	for _, method := range []string{"sendrawtransaction", "testmempoolaccept", "invalidateblock", "stop", ""} {
		if err := conn.Call(t.Context(), nil, method, "00"); err == nil || errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v, want that it is refused", method, err)
		}
	}
}
