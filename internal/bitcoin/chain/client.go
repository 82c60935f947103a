package chain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Config says which btcd and which network.
type Config struct {
	Host     string // host:port of btcd's --rpclisten
	User     string // the administrator's: btcd's limited user lacks gettxspendingprevout and testmempoolaccept
	Pass     string // or PassFile
	PassFile string // holds the password; used when Pass is empty
	CertFile string // btcd's --rpccert
	Network  string // mainnet, testnet3, signet, simnet or regtest
	Clock    clock.Clock
	Timeout  time.Duration // of one call; 0 means btcdrpc.DefaultTimeout
}

// Client is a connection to one btcd; safe for concurrent use.
type Client struct {
	rpc   *btcdrpc.Client
	net   *chaincfg.Params
	clock clock.Clock
	cert  string
	wake  chan struct{}
	conn  atomic.Pointer[btcdrpc.Conn] // while Watch has one: to our network, and it only reads
}

// New returns a Client for the node, which need not be up. The error is Invalid
// or Unavailable and names the setting that is wrong.
func New(cfg Config) (*Client, error) {
	net, err := wallet.Params(cfg.Network)
	if err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		return nil, errors.New("chain: no clock")
	}
	cert, err := os.ReadFile(cfg.CertFile)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			CodeNodeCert,
			fmt.Sprintf(
				"Cannot read btcd's certificate file %q: start btcd once so that it writes it, or copy its rpc.cert.",
				cfg.CertFile,
			),
		)
	}
	pass := cfg.Pass
	if pass == "" {
		b, err := os.ReadFile(cfg.PassFile)
		if err != nil {
			return nil, errs.Wrap(
				err,
				errs.Unavailable,
				CodeNodePass,
				fmt.Sprintf("Cannot read the file %q with btcd's password.", cfg.PassFile),
			)
		}
		pass = strings.TrimSpace(string(b))
	}
	rpc, err := btcdrpc.New(
		btcdrpc.Config{Host: cfg.Host, User: cfg.User, Pass: pass, CertPEM: cert, Timeout: cfg.Timeout},
	)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Invalid,
			CodeNodeConfig,
			"The settings for btcd are incomplete: "+err.Error()+".",
		)
	}
	return &Client{rpc: rpc, net: net, clock: cfg.Clock, cert: cfg.CertFile, wake: make(chan struct{}, 1)}, nil
}

// Dial is New and then Check: it returns a Client only for a node that is fit
// for work now.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := c.Check(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// call asks the node after making sure that it is of our network, since another
// one may have taken its address at any time.
func (c *Client) call(ctx context.Context, result any, method string, params ...any) error {
	if err := c.checkNetwork(ctx); err != nil {
		return err
	}
	return c.explain(c.rpc.Call(ctx, result, method, params...))
}

// read is call for what changes nothing. While a websocket stands it goes there, where
// the network needs no second look: no other node can take its place.
func (c *Client) read(ctx context.Context, result any, method string, params ...any) error {
	if asked, err := c.overWebsocket(ctx, result, method, params...); asked {
		return err
	}
	return c.call(ctx, result, method, params...)
}

// readProven is read for an answer that is checked against its own hash.
func (c *Client) readProven(ctx context.Context, result any, method string, params ...any) error {
	if asked, err := c.overWebsocket(ctx, result, method, params...); asked {
		return err
	}
	return c.explain(c.rpc.Call(ctx, result, method, params...))
}

// overWebsocket reports whether there was a websocket that lasted until the answer.
func (c *Client) overWebsocket(ctx context.Context, result any, method string, params ...any) (asked bool, err error) {
	conn := c.conn.Load()
	if conn == nil {
		return false, nil
	}
	err = conn.Call(ctx, result, method, params...)
	return !errors.Is(err, btcdrpc.ErrBroken), c.explain(err)
}

func (c *Client) checkNetwork(ctx context.Context) error { return c.checkGenesis(ctx, c.rpc) }

// caller is a way to the node.
type caller interface {
	Call(ctx context.Context, result any, method string, params ...any) error
}

func (c *Client) checkGenesis(ctx context.Context, node caller) error {
	var text string
	if err := node.Call(ctx, &text, "getblockhash", 0); err != nil {
		return c.explain(err)
	}
	genesis, err := parseHash(text)
	if err != nil {
		return err
	}
	if *genesis != *c.net.GenesisHash {
		return errs.Newf(errs.Unavailable, CodeNodeWrongNetwork,
			"btcd at %s is not on %s: its first block is %s.", c.rpc.Host(), c.net.Name, genesis)
	}
	return nil
}

// Codes of btcd's answers, from its btcjson/jsonrpcerr.go.
const (
	codeInternal       = -32603 // also a block outside the best chain
	codeNoMethod       = -32601
	codeInvalidRequest = -32600 // also every plain error of a handler
	codeOutOfRange     = -1
	codeNoBlock        = -5
	codeBadTx          = -22
	codeTxRejected     = -26
	codeTxInChain      = -27
)

// explain turns what can go wrong with a call into one line for a person. An
// answer of btcd itself stays findable as *btcdrpc.Error.
func (c *Client) explain(err error) error {
	if err == nil {
		return nil
	}
	host := c.rpc.Host()
	var answer *btcdrpc.Error
	var wrongCert *tls.CertificateVerificationError
	var wrongName x509.HostnameError
	code, text := CodeNodeDown, "btcd at "+host+" does not answer: check that it runs and listens there. Nothing is lost; work goes on when it is back."
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &answer) && strings.Contains(answer.Message, "limited user"):
		code, text = CodeNodeLimitedUser, "btcd at "+host+" refuses "+answer.Method+" to this user: use --rpcuser, not --rpclimituser."
	case errors.As(err, &answer) && answer.Code == codeNoMethod:
		code, text = CodeNodeTooOld, "btcd at "+host+" does not know "+answer.Method+": use btcd 0.24 or newer."
	case errors.As(err, &answer):
		code, text = CodeNodeError, "btcd at "+host+" could not answer "+answer.Method+"."
	case errors.Is(err, btcdrpc.ErrNotHex):
		code, text = CodeNodeNonsense, "btcd at "+host+" answered with something that is no hexadecimal text."
	case errors.Is(err, btcdrpc.ErrAuth):
		code, text = CodeNodeAuth, "btcd at "+host+" refuses the user name or the password."
	case errors.Is(err, btcdrpc.ErrBusy):
		code, text = CodeNodeBusy, "btcd at "+host+" has too many clients: raise its --rpcmaxclients."
	case errors.As(err, &wrongCert), errors.As(err, &wrongName):
		code, text = CodeNodeCert, "btcd at "+host+" shows another certificate than the one in "+c.cert+"."
	case errors.Is(err, context.DeadlineExceeded):
		code, text = CodeNodeSlow, "btcd at "+host+" did not answer in time."
	}
	return errs.Wrap(err, errs.Unavailable, code, text)
}

func parseHash(text string) (*chainhash.Hash, error) {
	hash, err := chainhash.NewHashFromStr(text)
	if err != nil || len(text) != chainhash.MaxHashStringSize {
		return nil, errs.Wrap(err, errs.Unavailable, CodeNodeNonsense, "btcd answered with something that is no hash.")
	}
	return hash, nil
}
