using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Configuration;

/// <summary>
/// Reads the deployment's figures. By hand, because the binder's own message for text that is no number names neither
/// the environment variable nor the range.
/// </summary>
internal sealed class CoachDeploymentOptionsBinding(IServiceProvider services)
    : IConfigureOptions<CoachDeploymentOptions>, IValidateOptions<CoachDeploymentOptions>
{
    private const string MemoryKey = "Coach:Deployment:MemoryMb";
    private const string ContainersKey = "Coach:Deployment:MaxContainers";

    private readonly List<string> _problems = [];

    public void Configure(CoachDeploymentOptions options)
    {
        _problems.Clear();
        options.MemoryMb = Read(MemoryKey, "MODAL_MEMORY_MB") ?? options.MemoryMb;
        options.MaxContainers = Read(ContainersKey, "MODAL_MAX_CONTAINERS") ?? options.MaxContainers;
    }

    public ValidateOptionsResult Validate(string? name, CoachDeploymentOptions options)
    {
        List<string> problems = [.. _problems];
        Check(problems, MemoryKey, "MODAL_MEMORY_MB", options.MemoryMb);
        Check(problems, ContainersKey, "MODAL_MAX_CONTAINERS", options.MaxContainers);
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private void Check(List<string> problems, string key, string variable, int value)
    {
        if (value < 1)
        {
            problems.Add(
                $"{Source(key, variable)} is {value.ToString(CultureInfo.InvariantCulture)}; it must be between 1 "
                + $"and {int.MaxValue}.");
        }
    }

    private int? Read(string key, string variable)
    {
        var configuration = services.GetService<IConfiguration>();
        string? text = configuration?[key] ?? configuration?[variable];
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value))
        {
            return value;
        }

        string shown = text.Trim();
        _problems.Add(
            $"{Source(key, variable)} is {(shown.Length > 40 ? shown[..40] + "…" : shown)}; it must be a whole "
            + $"number between 1 and {int.MaxValue}.");
        return null;
    }

    // The name under which the value was found, so that the message points at what has to be changed.
    private string Source(string key, string variable)
    {
        var configuration = services.GetService<IConfiguration>();
        return configuration?[key] is null && configuration?[variable] is not null ? $"{key} ({variable})" : key;
    }
}
