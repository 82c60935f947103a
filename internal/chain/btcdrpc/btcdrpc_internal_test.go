package btcdrpc

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
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

func FuzzTellsOfBlock(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"1.0","method":"blockconnected","params":["00",1,2],"id":null}`))
	f.Add([]byte(`{"result":null,"error":null,"id":1}`))
	f.Add([]byte(`{"result":null,"error":{"code":-32603,"message":"no"},"id":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tells, err := tellsOfBlock(b)
		if err != nil && tells {
			t.Error("an error that tells of a block")
		}
	})
}
