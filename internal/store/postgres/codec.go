package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// codecs make a connection return times in UTC and not in the zone of this machine, and
// send and read UUIDs as their 16 bytes. Without that pgx writes each as text first, and
// makes and drops an error on the way, which is slow for a query by a thousand of them.
func codecs(_ context.Context, conn *pgx.Conn) error {
	m := conn.TypeMap()
	for _, t := range []struct {
		name       string
		oid, array uint32
		codec      pgtype.Codec
	}{
		{"timestamptz", pgtype.TimestamptzOID, pgtype.TimestamptzArrayOID, &pgtype.TimestamptzCodec{ScanLocation: time.UTC}},
		{"uuid", pgtype.UUIDOID, pgtype.UUIDArrayOID, uuidCodec{}},
	} {
		element := &pgtype.Type{Name: t.name, OID: t.oid, Codec: t.codec}
		m.RegisterType(element)
		m.RegisterType(&pgtype.Type{Name: "_" + t.name, OID: t.array, Codec: &pgtype.ArrayCodec{ElementType: element}})
	}
	return nil
}

// uuidCodec knows uuid.UUID and uuid.NullUUID beside what pgtype knows.
type uuidCodec struct{ pgtype.UUIDCodec }

func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case uuid.UUID, uuid.NullUUID:
			return uuidPlan{}
		}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if format == pgtype.BinaryFormatCode {
		switch target.(type) {
		case *uuid.UUID, *uuid.NullUUID:
			return uuidPlan{}
		}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type uuidPlan struct{}

// Encode writes nil as NULL.
func (uuidPlan) Encode(value any, buf []byte) ([]byte, error) {
	switch v := value.(type) {
	case uuid.UUID:
		return append(buf, v[:]...), nil
	case uuid.NullUUID:
		if !v.Valid {
			return nil, nil
		}
		return append(buf, v.UUID[:]...), nil
	}
	return nil, fmt.Errorf("%T is no UUID", value)
}

func (uuidPlan) Scan(src []byte, target any) error {
	if src == nil {
		if v, ok := target.(*uuid.NullUUID); ok {
			*v = uuid.NullUUID{}
			return nil
		}
		return fmt.Errorf("NULL cannot be read into a %T", target)
	}
	if len(src) != len(uuid.UUID{}) {
		return fmt.Errorf("a UUID of %d bytes", len(src))
	}
	switch v := target.(type) {
	case *uuid.UUID:
		*v = uuid.UUID(src)
	case *uuid.NullUUID:
		*v = uuid.NullUUID{UUID: uuid.UUID(src), Valid: true}
	default:
		return fmt.Errorf("%T is no UUID", target)
	}
	return nil
}
