package gitsource

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// An sshWire is git-upload-pack at the other end of an ssh connection. Unlike
// go-git's it ends with its context, whatever the server does.
type sshWire struct {
	client  *ssh.Client
	program *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	says    shortText
	stop    func() bool
	asked   bool
}

// newSSHWire starts it. The wire has the client to close from then on, also
// where there is no wire.
func newSSHWire(ctx context.Context, client *ssh.Client, path string) (*sshWire, error) {
	w := &sshWire{client: client, stop: context.AfterFunc(ctx, closing(client))}
	if err := w.start(path); err != nil {
		w.stop()
		_ = client.Close()
		return nil, err
	}
	return w, nil
}

func (w *sshWire) start(path string) (err error) {
	if w.program, err = w.client.NewSession(); err != nil {
		return err
	}
	w.program.Stderr = &w.says
	if w.in, err = w.program.StdinPipe(); err != nil {
		return err
	}
	if w.out, err = w.program.StdoutPipe(); err != nil {
		return err
	}
	return w.program.Start("git-upload-pack " + shellQuoted(path))
}

// finish lets the program end, so that all is heard that it says of why it
// did not do as it was asked.
func (w *sshWire) finish() {
	_ = w.in.Close()
	_, _ = io.Copy(io.Discard, w.out)
	_ = w.program.Wait()
}

// shellQuoted is a text as one word of a POSIX shell.
func shellQuoted(text string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(text) + "'"
}

// AdvertisedReferences is there because every session has it.
func (w *sshWire) AdvertisedReferences() (*packp.AdvRefs, error) {
	return w.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext reads what the server begins with. The wire's
// own context ends it.
func (w *sshWire) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(w.out)
	if errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && refs.IsEmpty() {
		return nil, transport.ErrEmptyRemoteRepository
	}
	if err != nil {
		w.finish()
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// UploadPack asks for objects. The answer is to be closed.
func (w *sshWire) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	w.asked = true
	answer := packp.NewUploadPackResponse(req)
	err := w.ask(req)
	if err == nil {
		err = answer.Decode(io.NopCloser(w.out))
	}
	if err != nil {
		w.finish()
		return nil, err
	}
	return answer, nil
}

func (w *sshWire) ask(req *packp.UploadPackRequest) error {
	err := req.UploadRequest.Encode(w.in)
	if err == nil {
		err = req.UploadHaves.Encode(w.in, len(req.Haves) > 0)
	}
	if err == nil {
		err = pktline.NewEncoder(w.in).EncodeString("done\n")
	}
	if err == nil {
		err = w.in.Close()
	}
	return err
}

// Close takes leave of the server, as it expects who wants nothing.
func (w *sshWire) Close() error {
	w.stop()
	if !w.asked {
		_, _ = w.in.Write(pktline.FlushPkt)
	}
	return w.client.Close()
}

// told is what the server said beside the conversation.
func (w *sshWire) told() string { return w.says.String() }

// A shortText keeps the beginning of what is written to it, by another
// goroutine.
type shortText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shortText) Write(p []byte) (int, error) {
	const most = 4 << 10
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p[:min(len(p), most-s.text.Len())])
	return len(p), nil
}

func (s *shortText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
