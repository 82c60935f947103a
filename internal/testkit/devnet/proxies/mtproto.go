package proxies

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/datacentre"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
)

// maskedBy is the name that the demo's secrets are dressed up with.
const maskedBy = "www.example.org"

const (
	maxAge    = 10 * time.Second // of a hello
	tlsRecord = 5                // length of a record's header
	randomAt  = 11               // of the random bytes of a hello, its record's header included
	randomLen = 32
)

// serveMTProto carries one client to the data centre: plain, padded (dd), or
// dressed up as TLS (ee). Who has no secret is hung up on, behind TLS after an
// answer that no secret has signed.
func (p *Proxy) serveMTProto(c net.Conn) {
	if c.SetDeadline((clock.Real{}).Now().Add(patience)) != nil {
		return
	}
	secrets := p.accounts.secrets()
	if len(secrets) == 0 {
		return
	}
	client, secrets, err := undress(c, secrets)
	if err != nil {
		return
	}
	down, h, err := datacentre.Accept(client, secrets...)
	if err != nil || c.SetDeadline(time.Time{}) != nil {
		return
	}
	conn, err := p.dial(c.LocalAddr(), p.upstream)
	if err != nil {
		return
	}
	up, err := datacentre.Connect(conn, h)
	if err != nil {
		_ = conn.Close()
		return
	}
	loopback.Join(down, up)
}

// undress takes the TLS off a connection that begins with a hello which one of
// secrets has made, and returns that one. Any other connection stays as it is.
func undress(c net.Conn, secrets [][]byte) (io.ReadWriteCloser, [][]byte, error) {
	var head [tlsRecord]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, nil, err
	}
	size := int(binary.BigEndian.Uint16(head[3:]))
	if head[0] != 0x16 || head[1] != 3 || head[2] != 1 || size < 100 || size > 1<<12 {
		return replayed{c, io.MultiReader(bytes.NewReader(head[:]), c)}, secrets, nil
	}
	hello := append(head[:], make([]byte, size)...)
	if _, err := io.ReadFull(c, hello[tlsRecord:]); err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(secrets, func(s []byte) bool { return madeBy(s, hello) })
	signer := []byte("the site that the proxy hides behind")
	if i >= 0 {
		signer = secrets[i]
	}
	answer, err := serverHello(hello, signer)
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.Write(answer); err != nil || i < 0 {
		return nil, nil, errors.Join(err, errors.New("a hello of another secret"))
	}
	return &dressed{Conn: c}, secrets[i : i+1], nil
}

type replayed struct {
	net.Conn
	r io.Reader
}

func (r replayed) Read(p []byte) (int, error) { return r.r.Read(p) }

// madeBy reports whether secret has signed hello a moment ago: its random bytes
// are HMAC-SHA-256 of all of it with zeros in their place, the last four of them
// mixed with the time.
func madeBy(secret, hello []byte) bool {
	blank := slices.Clone(hello)
	clear(blank[randomAt : randomAt+randomLen])
	mac := hmac.New(sha256.New, secret)
	mac.Write(blank)
	sum := mac.Sum(nil)
	got := hello[randomAt : randomAt+randomLen]
	at := binary.LittleEndian.Uint32(got[28:]) ^ binary.LittleEndian.Uint32(sum[28:])
	age := (clock.Real{}).Now().Sub(time.Unix(int64(at), 0)).Abs()
	return hmac.Equal(sum[:28], got[:28]) && age < maxAge
}

// serverHello answers a hello with what looks like TLS 1.3: a ServerHello, a
// change of cipher, and the first encrypted bytes.
func serverHello(hello, secret []byte) ([]byte, error) {
	const sessionAt = randomAt + randomLen
	if hello[sessionAt] != 32 {
		return nil, errors.New("a hello without a session")
	}
	var random [32 + 1024]byte
	_, _ = rand.Read(random[:]) // never fails
	share, certificate := random[:32], random[32:]

	body := slices.Concat([]byte{3, 3}, make([]byte, randomLen), hello[sessionAt:sessionAt+33], []byte{0x13, 0x01, 0})
	extensions := slices.Concat([]byte{0, 0x33, 0, 36, 0, 0x1d, 0, 32}, share, []byte{0, 0x2b, 0, 2, 3, 4})
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(extensions))), extensions...) //nolint:gosec // 46
	body = append([]byte{2, 0, 0, byte(len(body))}, body...)                                   //nolint:gosec // 118

	out := slices.Concat(record(0x16, body), record(0x14, []byte{1}), record(0x17, certificate))
	mac := hmac.New(sha256.New, secret)
	mac.Write(hello[randomAt : randomAt+randomLen])
	mac.Write(out)
	copy(out[randomAt:], mac.Sum(nil))
	return out, nil
}

func record(kind byte, body []byte) []byte {
	//nolint:gosec // at most 16 KiB
	return append(
		binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(body))),
		body...)
}

// dressed is a connection inside records of TLS.
type dressed struct {
	net.Conn
	left int // of the record under way
}

func (d *dressed) Read(p []byte) (int, error) {
	for d.left == 0 {
		var head [tlsRecord]byte
		if _, err := io.ReadFull(d.Conn, head[:]); err != nil {
			return 0, err
		}
		n := int(binary.BigEndian.Uint16(head[3:]))
		switch head[0] {
		case 0x17:
			d.left = n
		case 0x14:
			if _, err := io.CopyN(io.Discard, d.Conn, int64(n)); err != nil {
				return 0, err
			}
		default:
			return 0, errors.New("a record of another kind")
		}
	}
	n, err := d.Conn.Read(p[:min(len(p), d.left)])
	d.left -= n
	return n, err
}

func (d *dressed) Write(p []byte) (int, error) {
	for part := range slices.Chunk(p, 1<<14) {
		if _, err := d.Conn.Write(record(0x17, part)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
