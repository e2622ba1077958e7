using Microsoft.Extensions.Options;

namespace Coach.Rag.Scopes;

/// <summary>Checks the ranges that <see cref="CoachRagScopeOptions"/> names.</summary>
internal sealed class CoachRagScopeOptionsValidator : IValidateOptions<CoachRagScopeOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachRagScopeOptions options) =>
        new OptionsCheck(string.IsNullOrEmpty(name) ? "Coach:Rag:Scopes" : $"Coach:Rag:{name}:Scopes", null)
            .Present(options.Folder?.Trim(), "options.Folder")
            .InRange(options.MaxOpen, 1, 10_000)
            .InRange(options.OpenTimeLimit, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5))
            .InRange(options.CloseAfter, TimeSpan.Zero, TimeSpan.FromDays(1))
            .That(
                options.CloseAfter == TimeSpan.Zero || options.CloseAfter >= TimeSpan.FromSeconds(1),
                "Coach:Rag:Scopes:CloseAfter is shorter than 00:00:01; set it to that or more, or to zero.")
            .InRange(options.MaxDocuments, 1, 10_000_000)
            .InRange(options.MaxBytes, 1L << 10, 1L << 40)
            .Result();
}
