package awssim

import (
	"bytes"
	"encoding/json"
	"time"
)

// AWS's answers about an object may be older than the last change of it. A
// shadow is what a field of a row was before a change, and until when reads
// show it. States, tags and whether the object is there lag by knobs of their
// own, if at all.
type shadow struct {
	Field string // of the row, as JSON spells it
	Was   json.RawMessage
	Until time.Time
}

// unshadowed are fields that reads show as they are: see shadow. So are those
// that no read shows.
var unshadowed = map[string]bool{
	"State": true, "Tags": true, "Due": true, "Accepted": true, "Deleted": true,
	"ReadyAt": true, "ZoneIDs": true, "NextZoneIDs": true, "ZonesDue": true, "Connections": true, "Vacating": true,
}

// subject finds the row, and its id, that a call is about to change; nil for
// operations whose effect reads show at once, and for rows there are not.
func (c *call) subject() (id string, row any) {
	l := c.cell()
	switch c.op {
	case "ModifyVpcEndpointServiceConfiguration", "ModifyVpcEndpointServicePermissions":
		return rowOf(l.PrivateLink.Services, c.in.str("ServiceId"))
	case "ModifyVpcEndpoint":
		return rowOf(l.PrivateLink.Endpoints, c.in.str("VpcEndpointId"))
	case "ModifyVpcEndpointConnectionNotification":
		return rowOf(l.PrivateLink.Notifications, c.in.str("ConnectionNotificationId"))
	case "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
		"RevokeSecurityGroupEgress", "ModifySecurityGroupRules":
		return rowOf(l.Network.SecurityGroups, c.in.str("GroupId"))
	case "ModifyLoadBalancerAttributes", "SetSecurityGroups", "SetSubnets":
		return rowOf(l.Balancing.LoadBalancers, c.in.str("LoadBalancerArn"))
	case "ModifyTargetGroupAttributes", "ModifyTargetGroup":
		return rowOf(l.Balancing.TargetGroups, c.in.str("TargetGroupArn"))
	case "ModifyListenerAttributes", "ModifyListener":
		return rowOf(l.Balancing.Listeners, c.in.str("ListenerArn"))
	}
	return "", nil
}

func rowOf[T any](rows table[*T], id string) (string, any) {
	if row := rows.get(id); row != nil {
		return id, row
	}
	return "", nil
}

// shadowing has a handler do its work and leaves shadows of what it changed,
// if the world has its reads lag.
func (c *call) shadowing(handler operation) (M, error) {
	lag := c.latency("attributeLag")
	id, row := c.subject()
	if lag == 0 || row == nil {
		return handler(c)
	}
	before, err := fieldsOf(row)
	if err != nil {
		return nil, err
	}
	out, err := handler(c)
	if err != nil {
		return nil, err
	}
	after, err := fieldsOf(row)
	if err != nil {
		return nil, err
	}
	c.cell().cast(id, before, after, c.now, lag)
	return out, nil
}

// cast notes what changed, and forgets what is over.
func (l *cell) cast(id string, before, after map[string]json.RawMessage, now time.Time, lag time.Duration) {
	var shadows []shadow
	for _, s := range l.Shadows[id] {
		if now.Before(s.Until) {
			shadows = append(shadows, s)
		}
	}
	for _, field := range sortedKeys(before) {
		if !unshadowed[field] && !bytes.Equal(before[field], after[field]) {
			shadows = append(shadows, shadow{Field: field, Was: before[field], Until: now.Add(lag)})
		}
	}
	if l.Shadows == nil {
		l.Shadows = make(map[string][]shadow)
	}
	l.Shadows[id] = shadows
}

func fieldsOf(row any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	return fields, json.Unmarshal(text, &fields)
}

// asRead is a row as reads show it: itself, or a copy with what has changed
// lately as it was.
func asRead[T any](c *call, id string, row *T) *T {
	was := make(map[string]json.RawMessage)
	for _, s := range c.cell().Shadows[id] {
		if _, older := was[s.Field]; !older && c.now.Before(s.Until) {
			was[s.Field] = s.Was
		}
	}
	if len(was) == 0 {
		return row
	}
	aged, err := aged(row, was)
	if err != nil {
		return row // rows are plain data: every state file needs that too
	}
	return aged
}

func aged[T any](row *T, was map[string]json.RawMessage) (*T, error) {
	fields, err := fieldsOf(row)
	if err != nil {
		return nil, err
	}
	for field, text := range was {
		fields[field] = text
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	copied := new(T)
	return copied, json.Unmarshal(text, copied)
}

// allAsRead is asRead for the rows of a list.
func allAsRead[T any](c *call, rows []*T, id func(*T) string) []*T {
	if len(c.cell().Shadows) == 0 {
		return rows
	}
	out := make([]*T, len(rows))
	for i, row := range rows {
		out[i] = asRead(c, id(row), row)
	}
	return out
}
