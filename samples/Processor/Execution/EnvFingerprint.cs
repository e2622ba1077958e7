using System.Runtime.InteropServices;
using Coach.Abstractions;
using Processor.Registry;

namespace Processor.Execution;

/// <summary>Where a run happened, as one line: sizes and names, never a value of a secret.</summary>
internal static class EnvFingerprint
{
    public static string Of(RegistryFile registry, RunMode mode, ISecretSource secrets, bool isContainer)
    {
        string platform = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "amd64",
            Architecture.Arm64 => "arm64",
            Architecture other => other.ToString().ToLowerInvariant(),
        };

        // A mock run looks at no secret, not even whether it is there.
        string[] names = mode == RunMode.Mock
            ? []
            : [.. registry.Secrets.Entries
                .Select(entry => entry.Name)
                .Where(name => secrets.TryGet(name, out _))
                .Order(StringComparer.Ordinal)];
        return $"cpu:{registry.Cpu};memory:{registry.MemoryGb}Gi;platform:{platform};"
            + $"dotnet:{Environment.Version.Major}.{Environment.Version.Minor};"
            + $"runtime:{(isContainer ? "container" : "host")};secrets:{string.Join(',', names)}";
    }
}
