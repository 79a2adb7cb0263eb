#!/bin/sh
# 正北数字驾驶舱的离线安装，不需要网络。以 root 运行：sh install.sh [装到哪个文件夹]
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
target=${1:-/opt/zhengbei}

say() { printf '%s\n' "$*" >&2; }
fail() { say "错误：$1；处理办法：$2"; exit "${3:-69}"; }

[ "$(id -u)" = 0 ] || fail "安装系统软件与写入 $target 需要 root" "请以 root 运行 sh $0" 77
machine=$(. /etc/os-release && printf '%s %s %s' "$ID" "${VERSION_CODENAME:-}" "$(dpkg --print-architecture)")
[ "$machine" = "$(cat "$here/machine")" ] ||
    fail "本机是 $machine，安装包是为 $(cat "$here/machine") 做的" "请在与本机同一发行版、同一架构的联网机器上重新运行 ./zhengbei bundle"
(cd "$here" && sha256sum --quiet --check SHA256SUMS) || fail "安装包里有文件与校验和不符" "请重新拷贝安装包"

say "1/3 安装系统软件…"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'deb [trusted=yes] file:%s/packages ./\n' "$here" >"$work/sources.list"
mkdir -p "$work/lists/partial"
local_apt() {
    apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists" \
        -o APT::Sandbox::User=root "$@"
}
{ local_apt update && DEBIAN_FRONTEND=noninteractive local_apt install -y --no-install-recommends $(cat "$here/names"); } >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    fail "系统软件安装失败" "请把上面的信息发给维护者"
}

say "2/3 复制程序到 $target…"
mkdir -p "$target"
cp -a "$here/code/." "$target/"

say "3/3 准备运行环境（约一分钟）…"
PIP_NO_INDEX=1 PIP_FIND_LINKS="$here/wheels" "$target/zhengbei" --version
say "已装好。接着按 $target/cockpit/deploy/README.md 建账号、接来源、启动服务。"
