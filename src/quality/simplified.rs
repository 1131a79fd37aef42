//! Characters of simplified Chinese that Japanese does not write.
//!
//! Frequent characters of GB 2312 that neither JIS X 0213 nor CP932 nor Big5 encodes, so neither Japanese nor traditional
//! text holds them.

/// The characters, in code point order; all in the BMP.
pub(super) const SIMPLIFIED: &str = "\
    业东乐书买产们伟传伤伦侧侨俩倾偿储兑兰兴军农冯冻净凤击创删别剂剧劝办务动劳势勋华协单卖卢卫厅历压县发变叹吕员呛哑哗唤啸喷\
    团围图圆块坚坛垄垒处备够头夺奋奖妆妇妈姗娱婴嫔孙实宠审宪宽宾对寻导尔尘尝尧层岁岗岛峦币帅师帐帜带庆庐库应庙庞废张弹归录彻\
    忆忧态总恳恶悬惯愤慑懒戏战户执扩扫扬抚抢护报拟拥择挤挥捞损捡换掷揽搁摄摆摇敌敛斋时显晓暂术杀杂权杨枪标栈栏树样桥桩检棂榄\
    欢歼毁毕毙氢汇汉汤沥泼泽浇测济浏浑浓润涨渐渔溃滚满滤滨潇澜濒灭炼烁烂烛热焕爱爷牵狈狮狱猎玛环现琐电畅疗疯皱盐监盘瞒矫码砖\
    础祸秃积秽稳穷窝竖竞筛签简篮籁类粪紧红纤约级纪纬纯纳纵纷纸纹纺线练组绅细织终绍经绑结绘给络绝统继绪续绳维绵综绿缅缆缓缔编\
    缘缝缠缩罗罚罢耸聋职联聪肃肠肿胀胁脏脑舰舱艰艺节苍苏荡药莲获萝营萨蓝虏虑虽蚁蚂衔补袭裤见观规视览觉计订认讥讨让训议讯记讲\
    许论讼设访证评识诈诉诊词译试诗诚话详诫语误诱说诵请读课谁调谅谈谊谋谎谐谓谢谣谦谱贝贞负贡财责败货质贩贪贫购贯贱贴贵贸费贺\
    贼赁赂赃资赋赌赏赐赔赖赛赞赠赢赵趋跃车轨转轮软轰轴轻载轿较辅辆辈辉辐辑输辖辙边辽过还这进远违连迟选逊递逻遗邓邮邻郑酝酱释\
    针钉钓钙钞钟钢钥钦钩钮钱铁铃铅铜铝铭银铺链销锁锅锋锐错锡锣锤锦键锻镇镜长门闪闭问闯闲间闷闸闹闻阀阁阅阐阔队阵阶际陆陈陨险\
    隐难雾页顶顷项顺须顽顾颁颂预颅领颇颈颊频颗题颜额颠风飘飞饥饭饮饰饱饲饶饺饼饿馆馈马驱驳驴驶驻驾骂骄骆骇验骑骗骚骤鱼鲁鲜鲸\
    鸟鸡鸣鸦鸭鸿鹅鹤鹰齐齿龙龟";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_forms_are_not_among_them() {
        assert!(SIMPLIFIED.chars().is_sorted());
        assert!("国学会点条断数旧声実気来広図".chars().all(|c| !SIMPLIFIED.contains(c)));
        assert!("这们说时对过还".chars().all(|c| SIMPLIFIED.contains(c)));
    }
}
