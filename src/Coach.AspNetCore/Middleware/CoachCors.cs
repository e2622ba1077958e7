using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// Reads <c>Coach:Cors</c>, checks it, and makes of it the framework's policy for endpoints with a session.
/// </summary>
internal sealed class CoachCors(IConfiguration configuration)
    : IConfigureOptions<CoachCorsOptions>, IValidateOptions<CoachCorsOptions>
{
    public const string PolicyName = "Coach";

    private const int MaxOrigins = 100;

    private static readonly char[] Separators = [',', ';', ' '];

    public void Configure(CoachCorsOptions options)
    {
        IConfigurationSection section = configuration.GetSection(AllowedOrigins.Key);
        foreach (string? value in section.GetChildren().Select(child => child.Value).Prepend(section.Value))
        {
            foreach (string origin in (value ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries))
            {
                options.AllowedOrigins.Add(origin);
            }
        }
    }

    public ValidateOptionsResult Validate(string? name, CoachCorsOptions options)
    {
        OptionsCheck check = new OptionsCheck("Coach:Cors", name).That(
            options.AllowedOrigins.Count <= MaxOrigins,
            $"{AllowedOrigins.Key} holds {options.AllowedOrigins.Count} origins; it must be at most {MaxOrigins}.");
        foreach (string origin in options.AllowedOrigins)
        {
            check.That(
                IsOrigin(origin),
                $"{AllowedOrigins.Key} holds {origin}; it must be an origin such as https://app.example.com.");
        }

        return check.Result();
    }

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && string.Equals(
            uri.GetLeftPart(UriPartial.Authority), origin.TrimEnd('/'), StringComparison.OrdinalIgnoreCase);

    /// <summary>The policy, in the framework's own table.</summary>
    internal sealed class Policy(IOptions<CoachCorsOptions> cors) : IConfigureOptions<CorsOptions>
    {
        public void Configure(CorsOptions options) => options.AddPolicy(PolicyName, policy => policy
            .WithOrigins([.. cors.Value.AllowedOrigins.Select(origin => origin.TrimEnd('/'))])
            .WithMethods("GET", "POST", "PATCH", "PUT", "DELETE")
            .WithHeaders("Content-Type", "Idempotency-Key", "X-Request-ID")
            .WithExposedHeaders("Location", "Retry-After", "X-Request-ID")
            .AllowCredentials()
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10)));
    }
}
