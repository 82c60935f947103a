package btcdrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/net/websocket"
)

// WatchBlocks calls changed once when the subscription stands and then whenever
// btcd says that a block was connected or disconnected, until ctx ends or the
// connection breaks. It returns why it ended, never nil. What btcd said while
// nobody was connected is lost, so changed may only ever mean "go and look".
func (c *Client) WatchBlocks(ctx context.Context, changed func()) error {
	ws, err := c.dialWebsocket(ctx)
	if err != nil {
		return fmt.Errorf("open websocket: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() }) // ends the read below
	defer func() {
		if stop() {
			_ = ws.Close() // the read has failed already; there is nothing to add
		}
	}()
	if err := websocket.JSON.Send(ws, request{Version: "1.0", ID: 1, Method: "notifyblocks", Params: []any{}}); err != nil {
		return fmt.Errorf("subscribe to blocks: %w", err)
	}
	for {
		var message []byte
		if err := websocket.Message.Receive(ws, &message); err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("read websocket: %w", err))
		}
		tells, err := tellsOfBlock(message)
		if err != nil {
			return err
		}
		if tells {
			changed()
		}
	}
}

func (c *Client) dialWebsocket(ctx context.Context) (*websocket.Conn, error) {
	conf, err := websocket.NewConfig("wss://"+c.cfg.Host+"/ws", "https://"+c.cfg.Host)
	if err != nil {
		return nil, err
	}
	conf.TlsConfig = c.tls.Clone()
	auth := http.Request{Header: make(http.Header)}
	auth.SetBasicAuth(c.cfg.User, c.cfg.Pass)
	conf.Header = auth.Header
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	return conf.DialContext(ctx)
}

// tellsOfBlock reports whether a message may mean that the chain has moved; the
// reply to the subscription does, because blocks may have come before it.
func tellsOfBlock(message []byte) (bool, error) {
	var m struct {
		Method string `json:"method"`
		ID     *int   `json:"id"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return false, fmt.Errorf("read notification: %w", err)
	}
	if m.Error != nil {
		return false, &Error{Method: "notifyblocks", Code: m.Error.Code, Message: m.Error.Message}
	}
	switch m.Method {
	case "blockconnected", "blockdisconnected", "filteredblockconnected", "filteredblockdisconnected":
		return true, nil
	default:
		return m.ID != nil, nil
	}
}
