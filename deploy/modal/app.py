"""The samples on Modal: an image by digest, secrets by name, memory, time limits, and the names of dev and main.

    COACH_APP=processor COACH_IMAGE=registry.example.com/coach-processor@sha256:... modal deploy deploy/modal/app.py

Variables, all read when it is deployed:
    COACH_APP           chat, memo or processor
    COACH_IMAGE         by digest; a tag is refused
    COACH_ENV           dev, staging or main (dev); dev needs GIT_BRANCH and GIT_USER
    COACH_REF           the processor's reference (llm/litellm@1)
    MODAL_MEMORY_MB     4096        MODAL_MAX_CONTAINERS    3
"""

import os
import re
import subprocess

import modal

PINNED = re.compile(r"^[a-z0-9][a-z0-9./:_-]*@(sha256:[0-9a-f]{64})$")
REFERENCE = re.compile(r"^([^/@\s]+)/([^/@\s]+)@([0-9]+)$")
SECRETS = {
    "chat": ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "COACH_DATA_PROTECTION_KEY"],
    "memo": ["ANTHROPIC_API_KEY", "JWT_SIGNING_KEY"],
    "processor": ["OPENAI_API_KEY"],
}
PROGRAMS = {"chat": "Chat", "memo": "Memo", "processor": "Processor"}
PORT = 8080


def clean(text):
    """Lower case; each run of other characters than a-z, 0-9 and '-' becomes one '-'."""
    return re.sub(r"[^a-z0-9-]+", "-", text.strip().lower())


def slug(reference):
    match = REFERENCE.match(reference)
    if not match:
        raise SystemExit("ERR_INPUTS: COACH_REF looks like llm/litellm@1")
    return f"{clean(match[1])}-{clean(match[2])}-v{int(match[3])}"


def app_name(base, environment, branch="", user=""):
    """main and staging: the base alone. dev: with branch and user, so that nobody replaces another's."""
    if environment not in ("dev", "staging", "main"):
        raise SystemExit("ERR_INPUTS: COACH_ENV is dev, staging or main")
    if environment != "dev":
        return base
    if not branch.strip() or not user.strip():
        raise SystemExit("ERR_INPUTS: dev is named after GIT_BRANCH and GIT_USER")
    return f"{clean(branch)}-{clean(user)}-{base}"


def digest(image):
    match = PINNED.match(image)
    if not match:
        raise SystemExit("ERR_IMAGE_UNPINNED: COACH_IMAGE is host/path@sha256:…, by digest")
    return match[1]


def positive(name, default):
    text = os.environ.get(name, str(default))
    if not text.isdigit() or int(text) <= 0:
        raise SystemExit(f"{name} must be a whole number above 0")
    return int(text)


which = os.environ.get("COACH_APP", "processor")
if which not in PROGRAMS:
    raise SystemExit("ERR_INPUTS: COACH_APP is chat, memo or processor")
image_name = os.environ.get("COACH_IMAGE", "")
image_digest = digest(image_name)
base_name = slug(os.environ.get("COACH_REF", "llm/litellm@1")) if which == "processor" else f"coach-{which}"
name = app_name(
    base_name,
    os.environ.get("COACH_ENV", "dev"),
    os.environ.get("GIT_BRANCH", ""),
    os.environ.get("GIT_USER", ""),
)
memory_mb = positive("MODAL_MEMORY_MB", 4096)
max_containers = positive("MODAL_MAX_CONTAINERS", 3)

image = modal.Image.from_registry(image_name).env(
    {
        "IMAGE_DIGEST": image_digest,
        "MODAL_MEMORY_MB": str(memory_mb),
        "MODAL_MAX_CONTAINERS": str(max_containers),
        "AllowedHosts": "*.modal.run",
    }
)
app = modal.App(name, image=image)


@app.function(
    secrets=[modal.Secret.from_name(secret) for secret in SECRETS[which]],
    volumes={"/data": modal.Volume.from_name(f"{base_name}-data", create_if_missing=True)},
    memory=memory_mb,
    max_containers=max_containers,
    scaledown_window=300,
    timeout=3600 if which == "processor" else 600,
)
@modal.concurrent(max_inputs=100)
@modal.web_server(PORT, startup_timeout=60)
def run():
    subprocess.Popen(["dotnet", f"/app/{PROGRAMS[which]}.dll"])
