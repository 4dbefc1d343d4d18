package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	kjson "sigs.k8s.io/json"

	"github.com/linkfleet/linkfleet/internal/confine"
)

// A kustomization is what ours say.
type kustomization struct {
	APIVersion, Kind, Namespace string
	Resources                   []string
	ConfigMapGenerator          []struct {
		Name     string
		Literals []string
	} `json:"configMapGenerator"`
	Images []struct {
		Name    string
		NewName string `json:"newName"`
		NewTag  string `json:"newTag"`
	}
}

// An object is one of the kinds of Kubernetes that are used here.
type object struct {
	file, kind, name string
	value            any
}

var kinds = map[string]func() any{
	"v1/Namespace":                       func() any { return new(core.Namespace) },
	"v1/ServiceAccount":                  func() any { return new(core.ServiceAccount) },
	"v1/Service":                         func() any { return new(core.Service) },
	"v1/PersistentVolumeClaim":           func() any { return new(core.PersistentVolumeClaim) },
	"apps/v1/Deployment":                 func() any { return new(apps.Deployment) },
	"batch/v1/CronJob":                   func() any { return new(batch.CronJob) },
	"batch/v1/Job":                       func() any { return new(batch.Job) },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
}

// strictly decodes YAML as Kubernetes does with strict validation of fields: an
// unknown field, or one in other case, is an error.
func strictly(node *yaml.Node, into any) error {
	var plain any
	if err := node.Decode(&plain); err != nil {
		return err
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	faults, err := kjson.UnmarshalStrict(text, into)
	return errors.Join(append(faults, err)...)
}

// objects decodes all documents of a file.
func objects(t *testing.T, name string) (all []object) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var node yaml.Node
		if err := d.Decode(&node); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		var plain map[string]any
		if err := node.Decode(&plain); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := json.Marshal(plain)
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		empty, known := kinds[head.APIVersion+"/"+head.Kind]
		if !known {
			t.Fatalf("%s: this test does not know %s %s", name, head.APIVersion, head.Kind)
		}
		o := object{name, head.Kind, head.Metadata.Name, empty()}
		if err := strictly(&node, o.value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all = append(all, o)
	}
}

// A bundle is all that a kustomization makes.
type bundle struct {
	kustomization
	objects []object
}

func readBundle(t *testing.T, dir string) (b bundle) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	var fields map[string]any
	if err := node.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	for field := range fields {
		if !slices.Contains([]string{"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"}, field) {
			t.Errorf("%s: this test does not know the field %s of kustomizations", dir, field)
		}
	}
	plain, _ := json.Marshal(fields)
	if err := json.Unmarshal(plain, &b.kustomization); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	for _, resource := range b.Resources {
		path := filepath.Join(dir, resource)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			b.objects = append(b.objects, readBundle(t, path).objects...)
			continue
		}
		b.objects = append(b.objects, objects(t, path)...)
		left = slices.DeleteFunc(left, func(name string) bool { return name == path })
	}
	if len(left) != 1 {
		t.Errorf("%s: no resource names all of %v", dir, left)
	}
	return b
}

// has tells whether the bundle makes an object.
func (b *bundle) has(kind, name string) bool {
	return slices.ContainsFunc(b.objects, func(o object) bool { return o.kind == kind && o.name == name })
}

// pod is the template of what an object runs; nil if it runs nothing.
func (o *object) pod() *core.PodTemplateSpec {
	switch v := o.value.(type) {
	case *apps.Deployment:
		return &v.Spec.Template
	case *batch.CronJob:
		return &v.Spec.JobTemplate.Spec.Template
	case *batch.Job:
		return &v.Spec.Template
	}
	return nil
}

func TestKubernetesManifests(t *testing.T) {
	for _, dir := range []string{"serve", "cron", "shards"} {
		t.Run(dir, func(t *testing.T) {
			b := readBundle(t, filepath.Join("kubernetes", dir))
			runs := 0
			for _, o := range b.objects {
				pod := o.pod()
				if pod == nil {
					continue
				}
				runs++
				for _, fault := range slices.Concat(b.missing(pod), exposed(pod), unedited(pod), apart(pod)) {
					t.Errorf("%s: %s", o.file, fault)
				}
			}
			if runs == 0 {
				t.Error("nothing runs")
			}
		})
	}
}

// The pods of the Indexed Job are all of the shards, and each of them once.
func TestKubernetesShards(t *testing.T) {
	jobs := 0
	b := readBundle(t, filepath.Join("kubernetes", "shards"))
	for _, o := range b.objects {
		cron, ok := o.value.(*batch.CronJob)
		if !ok {
			continue
		}
		jobs++
		job := cron.Spec.JobTemplate.Spec
		if job.CompletionMode == nil || *job.CompletionMode != batch.IndexedCompletion || job.Completions == nil || job.Parallelism == nil || *job.Completions != *job.Parallelism {
			t.Fatalf("%s is not an Indexed Job with all of its pods side by side", o.file)
		}
		if job.BackoffLimit != nil || job.BackoffLimitPerIndex == nil {
			t.Errorf("%s: one shard's failures count for the others", o.file)
		}
		// Kubernetes puts in the variable: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
		want := fmt.Sprintf("--shard=$(JOB_COMPLETION_INDEX)/%d", *job.Completions)
		if args := job.Template.Spec.Containers[0].Args; !slices.Contains(args, want) {
			t.Errorf("%s: %s is not in %q", o.file, want, args)
		}
	}
	if jobs == 0 {
		t.Error("there is no job")
	}
}

// missing says what a pod refers to that is not there.
func (b *bundle) missing(pod *core.PodTemplateSpec) (faults []string) {
	missing := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !b.has("ServiceAccount", pod.Spec.ServiceAccountName) {
		missing("there is no service account %q", pod.Spec.ServiceAccountName)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
		if c := v.PersistentVolumeClaim; c != nil && !b.has("PersistentVolumeClaim", c.ClaimName) {
			missing("there is no claim %s", c.ClaimName)
		}
	}
	c := pod.Spec.Containers[0]
	known := []string{"JOB_COMPLETION_INDEX"}
	for _, env := range c.Env {
		known = append(known, env.Name)
	}
	for _, generated := range b.ConfigMapGenerator {
		if len(c.EnvFrom) != 1 || c.EnvFrom[0].ConfigMapRef.Name != generated.Name {
			missing("the settings in %s are not read", generated.Name)
		}
		for _, literal := range generated.Literals {
			name, _, _ := strings.Cut(literal, "=")
			known = append(known, name)
		}
	}
	for _, use := range regexp.MustCompile(`\$\((\w+)\)`).FindAllStringSubmatch(strings.Join(c.Args, " "), -1) {
		if !slices.Contains(known, use[1]) {
			missing("an argument has %s, which is not set", use[0])
		}
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			missing("there is no volume %s", m.Name)
		}
	}
	if len(b.Images) != 1 || b.Images[0].Name != c.Image {
		missing("no image is given for %s", c.Image)
	}
	return faults
}

// exposed says what a pod lacks of what namespaces with the restricted
// standard of Kubernetes ask for, and of what linkfleet can do without.
func exposed(pod *core.PodTemplateSpec) (faults []string) {
	all, c := pod.Spec.SecurityContext, pod.Spec.Containers[0]
	own := c.SecurityContext
	for fault, good := range map[string]bool{
		"it may run as root":                    is(all.RunAsNonRoot) && *all.RunAsUser == 65532,
		"its system calls are not filtered":     all.SeccompProfile != nil && all.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"it may gain privileges":                own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation,
		"it may write to its image":             is(own.ReadOnlyRootFilesystem),
		"it keeps capabilities":                 slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}),
		"it gets a token of Kubernetes":         pod.Spec.AutomountServiceAccountToken != nil && !*pod.Spec.AutomountServiceAccountToken,
		"its memory is unbounded":               !c.Resources.Limits.Memory().IsZero(),
		"it has less time to end than one wait": *pod.Spec.TerminationGracePeriodSeconds > 15*60,
	} {
		if !good {
			faults = append(faults, fault)
		}
	}
	return faults
}

// unedited says what of a pod would have to be edited beside the kustomization.
func unedited(pod *core.PodTemplateSpec) (faults []string) {
	for _, arg := range pod.Spec.Containers[0].Args {
		if strings.Contains(arg, "example.com") {
			faults = append(faults, fmt.Sprintf("its argument %s is an example's", arg))
		}
	}
	return faults
}

// apart says that a pod may come to another node than one that has its volume.
// The one pod of a server is no other's neighbour.
func apart(pod *core.PodTemplateSpec) []string {
	shares := slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.PersistentVolumeClaim != nil })
	if !shares || pod.Labels["app.kubernetes.io/component"] == "server" {
		return nil
	}
	if a := pod.Spec.Affinity; a != nil && a.PodAffinity != nil {
		for _, term := range a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			if term.TopologyKey == core.LabelHostname && matches(term.LabelSelector.MatchLabels, pod.Labels) {
				return nil
			}
		}
	}
	return []string{"it shares a volume and nothing keeps it on the volume's node"}
}

// matches tells whether labels have all of what a selector asks for.
func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func is(b *bool) bool { return b != nil && *b }

func TestOneServer(t *testing.T) {
	b := readBundle(t, "kubernetes/serve")
	var d *apps.Deployment
	var s *core.Service
	for _, o := range b.objects {
		switch v := o.value.(type) {
		case *apps.Deployment:
			d = v
		case *core.Service:
			s = v
		}
	}
	if *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Error("two servers could want one volume")
	}
	labels := d.Spec.Template.Labels
	for _, selector := range []map[string]string{d.Spec.Selector.MatchLabels, s.Spec.Selector} {
		if !matches(selector, labels) {
			t.Errorf("pods have %v, and are looked for with %v", labels, selector)
		}
	}
	// Two previews at once, by default, and half as much for the server.
	if limit := d.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Value(); limit < 5*confine.DefaultBounds().Memory/2 {
		t.Errorf("%d bytes are too few for two previews and the server", limit)
	}
	port := d.Spec.Template.Spec.Containers[0].Ports[0].Name
	if got := s.Spec.Ports[0].TargetPort.String(); got != port {
		t.Errorf("the service sends to port %s, the server has %s", got, port)
	}
}

func TestJobsTakeTurns(t *testing.T) {
	for _, o := range readBundle(t, "kubernetes/cron").objects {
		if c, ok := o.value.(*batch.CronJob); ok && c.Spec.ConcurrencyPolicy != batch.ForbidConcurrent {
			t.Errorf("%s may run twice at once", o.name)
		}
	}
}
