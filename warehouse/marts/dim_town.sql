SELECT code, name, kind FROM raw.own_town WHERE kind IN ('街道', '镇', '未分')
