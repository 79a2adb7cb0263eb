select code, name, kind from raw.own_town where kind in ('街道', '镇', '未分')
