namespace Deploy.Tests;

/// <summary>The manifests: known kinds, names that meet, and what every pod must have.</summary>
public sealed class KubernetesTests
{
    private static readonly Dictionary<string, string> Kinds = new()
    {
        ["Namespace"] = "v1",
        ["Service"] = "v1",
        ["ServiceAccount"] = "v1",
        ["PersistentVolumeClaim"] = "v1",
        ["Deployment"] = "apps/v1",
        ["PodDisruptionBudget"] = "policy/v1",
        ["NetworkPolicy"] = "networking.k8s.io/v1",
        ["Ingress"] = "networking.k8s.io/v1",
        ["Kustomization"] = "kustomize.config.k8s.io/v1beta1",
    };

    public static TheoryData<string> Apps => ["chat", "memo", "processor"];

    [Fact]
    public void Documents_AreOfKnownKinds_NamedOnce_AndListed()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(DeployFiles.Deploy, "kubernetes")).Select(file => Path.GetFileName(file)!)];
        var names = new HashSet<string>();
        foreach (string file in files)
        {
            foreach (Dictionary<object, object> document in DeployFiles.Documents("kubernetes/" + file))
            {
                Assert.Equal(Kinds[document.Text("kind")], document.Text("apiVersion"));
                if (document.Text("kind") != "Kustomization")
                {
                    Assert.True(names.Add(document.Text("kind") + " " + document.At("metadata", "name")), file);
                }

                if (document.Text("kind") is not ("Kustomization" or "Namespace"))
                {
                    Assert.Equal("coach", document.At("metadata", "namespace"));
                }
            }
        }

        Assert.Equal(
            files.Where(file => file != "kustomization.yaml").Order(),
            DeployFiles.Documents("kubernetes/kustomization.yaml")[0].List("resources").Select(name => (string)name).Order());
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void App_HasServiceAndBudget_ThatFindItsPods(string app)
    {
        List<Dictionary<object, object>> documents = DeployFiles.Documents($"kubernetes/{app}.yaml");
        Dictionary<object, object> deployment = Single(documents, "Deployment");
        object label = deployment.At("spec", "template", "metadata", "labels", "app.kubernetes.io/name");
        Assert.Equal(label, deployment.At("spec", "selector", "matchLabels", "app.kubernetes.io/name"));
        Assert.Equal(label, Single(documents, "Service").At("spec", "selector", "app.kubernetes.io/name"));
        Assert.Equal(label, Single(documents, "PodDisruptionBudget").At("spec", "selector", "matchLabels", "app.kubernetes.io/name"));
        Assert.Equal("coach", deployment.At("spec", "template", "metadata", "labels", "app.kubernetes.io/part-of"));
        Assert.Equal(
            Single(documents, "ServiceAccount").At("metadata", "name"),
            deployment.At("spec", "template", "spec", "serviceAccountName"));
        Dictionary<object, object> container = Container(deployment);
        string[] ports = [.. container.List("ports").Select(port => ((Dictionary<object, object>)port).Text("name"))];
        Assert.All(
            ((Dictionary<object, object>)Single(documents, "Service")["spec"]).List("ports"),
            port => Assert.Contains(((Dictionary<object, object>)port).Text("targetPort"), ports));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Pod_IsBoundedProbedAndUnprivileged(string app)
    {
        Dictionary<object, object> deployment = Single(DeployFiles.Documents($"kubernetes/{app}.yaml"), "Deployment");
        var pod = (Dictionary<object, object>)deployment.At("spec", "template", "spec");
        Dictionary<object, object> container = Container(deployment);
        Assert.Matches("@sha256:[0-9a-f]{64}$", container.Text("image"));
        Assert.Equal("true", pod.At("securityContext", "runAsNonRoot").ToString(), ignoreCase: true);
        Assert.Equal("RuntimeDefault", pod.At("securityContext", "seccompProfile", "type"));
        Assert.Equal("false", pod.Text("automountServiceAccountToken"), ignoreCase: true);
        Assert.True(int.Parse(pod.Text("terminationGracePeriodSeconds"), null) >= 35);
        Assert.Equal("true", container.At("securityContext", "readOnlyRootFilesystem").ToString(), ignoreCase: true);
        Assert.Equal("false", container.At("securityContext", "allowPrivilegeEscalation").ToString(), ignoreCase: true);
        Assert.Equal("ALL", Assert.Single(container.Map("securityContext").Map("capabilities").List("drop")));
        Assert.All((string[])["startupProbe", "livenessProbe", "readinessProbe"], probe =>
            Assert.Equal("http", container.At(probe, "httpGet", "port")));
        Assert.All((string[])["cpu", "memory"], resource => Assert.NotNull(container.At("resources", "requests", resource)));
        Assert.NotNull(container.At("resources", "limits", "memory"));
        string[] volumes = [.. pod.List("volumes").Select(volume => ((Dictionary<object, object>)volume).Text("name"))];
        string[] mounts = [.. container.List("volumeMounts").Select(mount => ((Dictionary<object, object>)mount).Text("name"))];
        Assert.Equal(volumes.Order(), mounts.Order());
        Assert.Contains(container.List("volumeMounts"), mount => ((Dictionary<object, object>)mount).Text("mountPath") == "/data");
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Secrets_AreTakenByName_NeverWritten(string app)
    {
        Dictionary<object, object> container = Container(Single(DeployFiles.Documents($"kubernetes/{app}.yaml"), "Deployment"));
        foreach (Dictionary<object, object> variable in container.List("env").Cast<Dictionary<object, object>>())
        {
            string name = variable.Text("name");
            if (name.EndsWith("_KEY", StringComparison.Ordinal) || name.EndsWith("_SECRET", StringComparison.Ordinal)
                || name.StartsWith("ConnectionStrings", StringComparison.Ordinal))
            {
                Assert.False(variable.ContainsKey("value"), name);
                Assert.Matches("^[a-z][a-z0-9-]+$", variable.At("valueFrom", "secretKeyRef", "name").ToString());
            }
        }
    }

    [Fact]
    public void Network_IsClosed_ButForWhatIsNamed()
    {
        List<Dictionary<object, object>> policies =
            [.. DeployFiles.Documents("kubernetes/namespace.yaml").Where(document => document.Text("kind") == "NetworkPolicy")];
        Dictionary<object, object> nothing = Assert.Single(policies, policy => (string)policy.At("metadata", "name") == "nothing");
        Assert.Empty((Dictionary<object, object>)nothing.At("spec", "podSelector"));
        Assert.Equal(["Ingress", "Egress"], nothing.Map("spec").List("policyTypes"));
        Assert.Contains("169.254.169.254/32", DeployFiles.Read("kubernetes/namespace.yaml"), StringComparison.Ordinal);
        Assert.All(
            DeployFiles.Documents("kubernetes/ingress.yaml")[0].Map("spec").List("rules").Cast<Dictionary<object, object>>(),
            rule => Assert.Contains(rule.Text("host").Split('.')[0], (string[])["chat", "memo", "processor"]));
    }

    private static Dictionary<object, object> Single(IEnumerable<Dictionary<object, object>> documents, string kind) =>
        Assert.Single(documents, document => document.Text("kind") == kind);

    private static Dictionary<object, object> Container(Dictionary<object, object> deployment) =>
        (Dictionary<object, object>)Assert.Single(((Dictionary<object, object>)deployment.At("spec", "template", "spec")).List("containers"));
}
