using System.Text;
using Coach.Abstractions;
using Processor.Registry;

namespace Processor.Verbs;

/// <summary>
/// <c>secrets check</c> and <c>secrets sync</c>: takes the values of a processor's secrets from this machine to where
/// it
/// is deployed. Values go into files that only their owner may read; what is printed has names only.
/// </summary>
internal static class SecretsVerb
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static int Run(string[] args, TextWriter output)
    {
        string action = args.Length > 0 ? args[0] : "";
        if (action is not ("check" or "sync"))
        {
            throw new ProcessorException(RunErrors.Inputs, "It is 'secrets check' or 'secrets sync'.");
        }

        var arguments = new Arguments(
            args[1..],
            Verb.Names("ref", "target", "out", "namespace", "registry"),
            Verb.Names("fail-on-missing", "json"));
        RegistryFile registry = RegistryFile.Load(Verb.RegistryFolder(arguments), arguments.Need("ref"));
        string? target = action == "sync" ? arguments.Need("target") : arguments.Get("target");
        if (target is not (null or "env" or "docker" or "kubernetes" or "modal"))
        {
            throw new ProcessorException(RunErrors.Inputs, "--target is env, docker, kubernetes or modal.");
        }

        ISecretSource source = Source(registry.Secrets);
        IReadOnlyList<string> missing = source.FindMissing(registry.Secrets, RunMode.Real);
        var present = new List<(SecretEntry Entry, Secret Value)>();
        foreach (SecretEntry entry in registry.Secrets.Entries)
        {
            if (source.TryGet(entry.Name, out Secret? value))
            {
                present.Add((entry, value));
            }
        }

        bool isRefused = missing.Count > 0 && arguments.Has("fail-on-missing");
        IReadOnlyList<string> written = action == "sync" && !isRefused
            ? Sync(target!, registry.Ref, present, arguments)
            : [];
        Verb.Write(output, json =>
        {
            json.WriteString("code", missing.Count > 0 ? RunErrors.MissingSecret : "OK");
            Verb.WriteNames(json, "missing", missing);
            Verb.WriteNames(json, "present", present.Select(secret => secret.Entry.Name));
            json.WriteString("ref", registry.Ref.ToString());
            if (action == "sync")
            {
                json.WriteString("target", target);
                Verb.WriteNames(json, "written", written);
            }
        });
        return isRefused ? 1 : 0;
    }

    private static ISecretSource Source(SecretManifest manifest)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(Verb.Settings());
        services.AddCoachSecrets(options =>
        {
            foreach (SecretEntry entry in manifest.Entries)
            {
                if (entry.IsRequired)
                {
                    options.Manifest.Require(entry.Name);
                }
                else
                {
                    options.Manifest.Optional(entry.Name);
                }

                if (entry.LegacyName is { } legacy)
                {
                    options.Manifest.Alias(entry.Name, legacy);
                }
            }
        });
        return services.BuildServiceProvider().GetRequiredService<ISecretSource>();
    }

    private static List<string> Sync(
        string target, ProcessorRef reference, List<(SecretEntry Entry, Secret Value)> secrets, Arguments arguments)
    {
        string Out(string standard) => Path.GetFullPath(arguments.Get("out") is { Length: > 0 } path ? path : standard);
        switch (target)
        {
            case "env":
                string env = Out(reference.Slug + ".env");
                WriteFile(env, EnvFile(secrets));
                return [env];
            case "kubernetes":
                string manifest = Out(reference.Slug + ".secrets.yaml");
                WriteFile(manifest, KubernetesManifest(secrets, arguments.Get("namespace")));
                return [manifest];
            case "docker":
                string folder = Out("secrets");
                CreateFolder(folder);
                return [.. secrets.Select(secret =>
                {
                    string file = Path.Combine(folder, secret.Entry.Name);
                    WriteFile(file, secret.Value.Reveal());
                    return file;
                })];
            default:
                string script = Out(reference.Slug + ".modal.sh");
                WriteFile(script, ModalScript(secrets));
                return [script];
        }
    }

    // Docker's and compose's --env-file take a line as it stands: no quotes, and no way to write a line's end.
    private static string EnvFile(List<(SecretEntry Entry, Secret Value)> secrets)
    {
        var text = new StringBuilder();
        foreach ((SecretEntry entry, Secret secret) in secrets)
        {
            string value = secret.Reveal();
            if (value.AsSpan().ContainsAny('\n', '\r', '\0'))
            {
                throw new ProcessorException(
                    RunErrors.Validation,
                    $"The value of {entry.Name} has several lines, which an env file cannot hold; use docker or kubernetes.");
            }

            text.Append(entry.Name).Append('=').Append(value).Append('\n');
        }

        return text.ToString();
    }

    // One Secret a secret, named like it in the way Kubernetes allows; a group is one Secret of several keys.
    private static string KubernetesManifest(List<(SecretEntry Entry, Secret Value)> secrets, string? space)
    {
        bool isName = space is null
            || (space.Length is > 0 and <= 63
                && space.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'));
        if (!isName)
        {
            throw new ProcessorException(RunErrors.Inputs, "--namespace has lower-case letters, digits and '-'.");
        }

        var text = new StringBuilder();
        foreach (var group in secrets.GroupBy(secret => secret.Entry.Group ?? secret.Entry.Name, StringComparer.Ordinal))
        {
            text.Append("---\napiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n  name: ")
                .Append(KubernetesName(group.Key)).Append('\n');
            if (space is not null)
            {
                text.Append("  namespace: ").Append(space).Append('\n');
            }

            text.Append("data:\n");
            foreach ((SecretEntry entry, Secret secret) in group)
            {
                text.Append("  ").Append(entry.Name).Append(": ")
                    .Append(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret.Reveal()))).Append('\n');
            }
        }

        return text.ToString();
    }

    // The commands take each value from the environment of who runs them: the script itself holds names only. Values
    // reach modal by a file, never by its arguments, which every user of a machine can read.
    private static string ModalScript(List<(SecretEntry Entry, Secret Value)> secrets)
    {
        var text = new StringBuilder("""
            #!/usr/bin/env bash
            # Creates or replaces one Modal secret for each name, from this shell's environment. Holds no value.
            set -euo pipefail
            umask 077
            put() { # put SECRET NAME...
              local secret=$1 file name
              shift
              file=$(mktemp)
              for name in "$@"; do
                [ -n "${!name:-}" ] || { echo "$name is not set" >&2; rm -f "$file"; return 1; }
                printf "%s='%s'\n" "$name" "${!name//\'/\'\\\'\'}" >>"$file"
              done
              modal secret create "$secret" --from-dotenv "$file" --force ${MODAL_ENVIRONMENT:+--env "$MODAL_ENVIRONMENT"} || {
                rm -f "$file"
                return 1
              }
              rm -f "$file"
            }

            """);
        foreach (var group in secrets.GroupBy(secret => secret.Entry.Group ?? secret.Entry.Name, StringComparer.Ordinal))
        {
            text.Append("put ").Append(group.Key).Append(' ')
                .AppendJoin(' ', group.Select(secret => secret.Entry.Name)).Append('\n');
        }

        return text.ToString();
    }

    private static string KubernetesName(string name) => name.ToLowerInvariant().Replace('_', '-').Trim('-');

    private static void CreateFolder(string folder) => Guard(folder, () =>
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    });

    // Made for its owner alone before it holds anything; an older file of the name is replaced, rights and all.
    private static void WriteFile(string path, string text) => Guard(path, () =>
    {
        string partial = path + ".part-" + Guid.NewGuid().ToString("N");
        var create = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
        };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = OwnerOnly;
        }

        using (var stream = new FileStream(partial, create))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
        }

        File.Move(partial, path, overwrite: true);
    });

    private static void Guard(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ProcessorException(RunErrors.Runtime, $"{path} cannot be written.");
        }
    }
}
