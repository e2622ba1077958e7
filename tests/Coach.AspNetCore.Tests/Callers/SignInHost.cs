using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Tests.Callers;

/// <summary>A whole host in memory whose users sign in at a <see cref="LocalIssuer"/>: pages by cookie, API clients by
/// token.</summary>
internal sealed class SignInHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SignInHost(LocalIssuer issuer, bool isCoachFirst)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Testing" });
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
        [
            new("Coach:Menu:Currency", "usd"), new("Coach:Menu:Items:0:Id", "coffee"),
            new("Coach:Menu:Items:0:Name", "Coffee"), new("Coach:Menu:Items:0:Price", "350"),
        ]);
        builder.Services.AddRouting();
        builder.Services.AddSingleton<IApiKeyValidator>(new AnyKey());
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication("either")
            .AddPolicyScheme("either", null, options => options.ForwardDefaultSelector = context =>
                context.Request.Headers.ContainsKey("Authorization")
                    ? JwtBearerDefaults.AuthenticationScheme
                    : CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(options => options.Cookie.Name = "app")
            .AddJwtBearer(options =>
            {
                options.Authority = LocalIssuer.Address;
                options.Audience = LocalIssuer.Audience;
                options.BackchannelHttpHandler = issuer.Handler;
                options.MapInboundClaims = false;
            })
            .AddOpenIdConnect(options =>
            {
                options.Authority = LocalIssuer.Address;
                options.ClientId = LocalIssuer.Audience;
                options.ResponseType = "code";
                options.ResponseMode = "query";
                options.BackchannelHttpHandler = issuer.Handler;
                options.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
                options.MapInboundClaims = false;
            });
        builder.AddCoach();
        _app = builder.Build();
        if (isCoachFirst)
        {
            _app.UseCoach();
            _app.UseAuthentication();
        }
        else
        {
            _app.UseAuthentication();
            _app.UseCoach();
        }

        _app.UseAuthorization();
        _app.MapCoach();
        _app.MapGet("/sign-in", () => Results.Challenge(
            new AuthenticationProperties { RedirectUri = "/" }, [OpenIdConnectDefaults.AuthenticationScheme]));
        _app.MapGet("/sign-out", () => Results.SignOut(
            authenticationSchemes: [CookieAuthenticationDefaults.AuthenticationScheme]));
        _app.MapGet("/", (HttpContext context) => context.User.FindFirst("sub")?.Value ?? "nobody");
    }

    public static async Task<SignInHost> StartAsync(LocalIssuer issuer, bool isCoachFirst = false)
    {
        var host = new SignInHost(issuer, isCoachFirst);
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public Browser Open(LocalIssuer issuer) => new(_app.GetTestServer().CreateHandler(), issuer.Handler);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Keeps cookies and follows redirects between the host and the issuer.</summary>
    internal sealed class Browser(HttpMessageHandler host, HttpMessageHandler issuer) : IDisposable
    {
        private readonly HttpMessageInvoker _host = new(host);
        private readonly HttpMessageInvoker _issuer = new(issuer);

        public CookieContainer Cookies { get; } = new();

        public string? Bearer { get; set; }

        public async Task<string> SignInAsync(string path = "/sign-in")
        {
            var address = new Uri("https://localhost" + path);
            while (true)
            {
                using HttpResponseMessage response = await SendAsync(HttpMethod.Get, address);
                if (response.StatusCode != HttpStatusCode.Redirect)
                {
                    response.EnsureSuccessStatusCode();
                    return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                }

                address = new Uri(address, response.Headers.Location!);
            }
        }

        public async Task SignOutAsync()
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, new Uri("https://localhost/sign-out"));
            response.EnsureSuccessStatusCode();
        }

        public async Task<JsonElement> GetAsync(string path)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, new Uri("https://localhost" + path));
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        }

        public async Task PostAsync(string path, object body, string? idempotencyKey = null)
        {
            using JsonContent content = JsonContent.Create(body);
            using HttpResponseMessage response = await SendAsync(
                HttpMethod.Post, new Uri("https://localhost" + path), content, idempotencyKey);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }

        public void Dispose()
        {
            _host.Dispose();
            _issuer.Dispose();
        }

        private async Task<HttpResponseMessage> SendAsync(
            HttpMethod method, Uri address, HttpContent? content = null, string? idempotencyKey = null)
        {
            using var request = new HttpRequestMessage(method, address) { Content = content };
            if (idempotencyKey is not null)
            {
                request.Headers.Add("Idempotency-Key", idempotencyKey);
            }

            if (Cookies.GetCookieHeader(address) is { Length: > 0 } cookies)
            {
                request.Headers.Add("Cookie", cookies);
            }

            if (Bearer is not null)
            {
                request.Headers.Authorization = new("Bearer", Bearer);
            }

            HttpMessageInvoker server = address.Host == "localhost" ? _host : _issuer;
            HttpResponseMessage response = await server.SendAsync(request, TestContext.Current.CancellationToken);
            if (response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set))
            {
                foreach (string cookie in set)
                {
                    Cookies.SetCookies(address, cookie);
                }
            }

            return response;
        }
    }

    private sealed class AnyKey : IApiKeyValidator
    {
        public Task<KeyValidation> ValidateAsync(ApiKey? key, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<KeyValidation> ValidateAsync(
            ApiKey? key, string tenant, CancellationToken cancellationToken = default) =>
            Task.FromResult(new KeyValidation(KeyStatus.Valid, "The key works.", IsAuthentic: true));
    }
}
