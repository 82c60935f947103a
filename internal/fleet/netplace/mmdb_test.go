package netplace_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"testing"
)

// network is one record of a file that a test writes.
type network struct {
	prefix string
	record map[string]any
}

// mmdb writes a file in the MaxMind DB format, version 2.0, with records of 24
// bits: the tree, 16 zero bytes, the records, the metadata.
func mmdb(tb testing.TB, kind string, ipVersion int, networks ...network) []byte {
	tb.Helper()
	const none = -1
	nodes := [][2]int{{none, none}} // a node, none, or -2 less an offset into data
	var data bytes.Buffer
	for _, n := range networks {
		p := netip.MustParsePrefix(n.prefix)
		addr, bits := p.Addr().AsSlice(), p.Bits()
		if p.Addr().Is4() && ipVersion == 6 {
			addr, bits = append(make([]byte, 12), addr...), bits+96
		}
		at := 0
		for i := range bits {
			side := addr[i/8] >> (7 - i%8) & 1
			if i == bits-1 {
				nodes[at][side] = -2 - data.Len()
				break
			}
			if nodes[at][side] < 0 {
				nodes = append(nodes, [2]int{none, none})
				nodes[at][side] = len(nodes) - 1
			}
			at = nodes[at][side]
		}
		value(&data, n.record)
	}
	var out bytes.Buffer
	for _, node := range nodes {
		for _, v := range node {
			switch {
			case v == none:
				v = len(nodes)
			case v < none:
				v = len(nodes) + 16 + (-2 - v)
			}
			out.Write([]byte{byte(v >> 16), byte(v >> 8), byte(v)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	value(&out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"build_epoch": uint64(1_790_000_000), "database_type": kind, "description": map[string]any{"en": "for tests"},
		"ip_version": uint16(ipVersion), "node_count": uint32(len(nodes)), "record_size": uint16(24),
	})
	return out.Bytes()
}

// value writes one value of the data section.
func value(out *bytes.Buffer, v any) {
	head := func(kind, size int) {
		extra := -1
		if size >= 29 {
			extra, size = size-29, 29
		}
		if kind > 7 {
			out.Write([]byte{byte(size), byte(kind - 7)})
		} else {
			out.WriteByte(byte(kind<<5 | size))
		}
		if extra >= 0 {
			out.WriteByte(byte(extra))
		}
	}
	switch v := v.(type) {
	case string:
		head(2, len(v))
		out.WriteString(v)
	case uint16:
		head(5, 2)
		out.Write(binary.BigEndian.AppendUint16(nil, v))
	case uint32:
		head(6, 4)
		out.Write(binary.BigEndian.AppendUint32(nil, v))
	case uint64:
		head(9, 8)
		out.Write(binary.BigEndian.AppendUint64(nil, v))
	case map[string]any:
		head(7, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			value(out, k)
			value(out, v[k])
		}
	}
}
