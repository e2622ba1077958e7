using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.Rag;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Coach.Rules.Tests.Snippets.LlmSnippets;

namespace Coach.Rules.Tests.Snippets;

internal static class AspNetCoreSnippets
{
    public static async Task<int> Host(string[] args)
    {
        #region host
        var builder = WebApplication.CreateBuilder(args);
        builder.AddCoach();

        var app = builder.Build();
        app.UseCoach();
        app.MapCoach();
        app.MapCoachPage();
        return await app.RunCoachAsync();
        #endregion
    }

    public static void Endpoints(WebApplication app)
    {
        #region endpoints
        app.MapCoachSession("/api/session");
        app.MapCoachChat("/api/chat");
        app.MapCoachMetrics();
        app.MapCoachHealth();
        app.MapGet("/api/whoami", (HttpContext context) => context.GetCoachSession().Id.Value).WithCoachSession();
        #endregion
    }

    public static void Pipeline(WebApplicationBuilder builder, Func<CallerContext, AIFunction> tabOf)
    {
        #region aspnetcore-pipeline
        builder.AddCoach().Chat
            .UseKnowledge(context => context.Caller.TenantId is { } tenant ? KnowledgeScope.Of(tenant) : KnowledgeScope.Shared)
            .WithGuard<NoCardNumbers>()
            .WithTools(context => context.Caller.UserId is null ? [] : [tabOf(context.Caller)])
            .Use((client, context) => new MeteredChatClient(client, context.ConversationId)); // outside all stages
        #endregion
    }

    public static void Callers(WebApplicationBuilder builder)
    {
        #region aspnetcore-callers
        builder.AddCoach();
        builder.Services.AddSingleton<ICallerResolver, CertificateCallers>();
        #endregion
    }

    #region aspnetcore-caller-resolver
    public sealed class CertificateCallers : ICallerResolver
    {
        public async ValueTask<CallerContext> ResolveAsync(
            HttpContext context, SessionId sessionId, CancellationToken cancellationToken = default) =>
            new(sessionId, userId: (await context.Connection.GetClientCertificateAsync(cancellationToken))?.Thumbprint);
    }
    #endregion

    public static void SignIn(WebApplicationBuilder builder)
    {
        #region users-services
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie()
            .AddOpenIdConnect(options =>
            {
                options.Authority = builder.Configuration["Oidc:Authority"];
                options.ClientId = builder.Configuration["Oidc:ClientId"];
                options.ClientSecret = builder.Configuration["Oidc:ClientSecret"];
                options.ResponseType = "code";
                options.MapInboundClaims = false; // the user is the claim sub, the tenant tid
            });
        builder.Services.AddAuthorization();
        builder.AddCoach();
        #endregion
    }

    public static void SignInPages(WebApplication app)
    {
        #region users-pages
        app.UseAuthentication();
        app.UseCoach();
        app.UseAuthorization();
        app.MapCoach();
        app.MapGet("/sign-in", () => Results.Challenge(new() { RedirectUri = "/" }, [OpenIdConnectDefaults.AuthenticationScheme]));
        app.MapPost("/sign-out", () => Results.SignOut(new() { RedirectUri = "/" }, [CookieAuthenticationDefaults.AuthenticationScheme]));
        #endregion
    }

    public static void DistributedKeys(WebApplicationBuilder builder, CoachBuilder coach)
    {
        #region distributed-keys
        builder.Services.AddDataProtection().PersistKeysToFileSystem(new DirectoryInfo("/var/lib/app/keys"));
        coach.Llm.UseDistributedSessionKeys();
        #endregion
    }
}
